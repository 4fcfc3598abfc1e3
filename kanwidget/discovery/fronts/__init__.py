"""The front of each target: its rows, the ranking of formulas, and their last constants."""
