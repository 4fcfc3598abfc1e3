"""Networks side by side, their parameters as vectors, and the Jacobian in them."""
