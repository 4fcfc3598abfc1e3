"""Polynomials and fractions of polynomials, of columns and functions of them, by linear algebra."""
