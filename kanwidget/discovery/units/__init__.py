"""Units of columns: what their texts mean, and what they say of formulas."""
