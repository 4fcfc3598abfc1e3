"""Networks side by side, their parameters as vectors, and their Jacobian."""
