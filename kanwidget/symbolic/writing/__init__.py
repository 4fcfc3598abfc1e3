"""Formulas as text, LaTeX, MathML and source."""
