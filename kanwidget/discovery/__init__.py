"""From a table to a formula: shapes, logarithms and whole formulas, tried and compared."""
