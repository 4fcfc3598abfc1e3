"""A network as sympy expressions, and the constants in them."""
