"""The constants of trees, fitted, and trees as lists of operations for that."""
