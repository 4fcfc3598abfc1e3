"""Constants of formulas and the data: fits, standard errors, which constants are needed."""
