"""The constants of trees, fitted one tree at a time, and trees as lists of operations for that."""
