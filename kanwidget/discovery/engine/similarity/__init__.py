"""Products of columns by units: what a change of units leaves as it is."""
