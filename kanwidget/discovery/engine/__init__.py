"""The search for formulas: trees of operations, their constants, and the strategies that make them."""
