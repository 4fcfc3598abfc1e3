"""A cell of a sheet, computed by the rules of sheets."""

import math
import re

import numpy as np
import scipy.special


class Sheet:
    """A cell by the rules of sheets: a sign in front binds more strongly than a power, and powers go from left to right."""

    TOKEN = re.compile(r'\d+\.?\d*(?:e[+-]?\d+)?|[A-Z]+\d*(?=\()|[A-Z]+\d+|"(?:[^"]|"")*"|<>|<=|>=|[-+*/^(),=<>&]')
    LEVELS = (("=", "<>", "<", ">", "<=", ">="), ("&",), ("+", "-"), ("*", "/"), ("^",))
    FUNCTIONS = {
        **{name.upper(): getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "sqrt", "sign", "abs")},
        "LN": np.log, "ASIN": np.arcsin, "ACOS": np.arccos, "ATAN": np.arctan, "ATANH": np.arctanh, "ASINH": np.arcsinh,
        "INT": np.floor, "MAX": max, "MIN": min, "PI": lambda: math.pi, "ERF": math.erf,
        "IF": lambda test, yes, no: yes if test else no, "AND": lambda *all_: all(all_), "OR": lambda *any_: any(any_),
        "BESSELJ": lambda x, n: scipy.special.jv(n, x), "NA": lambda: math.nan,
    }  # fmt: skip

    def __init__(self, text, cells):
        self.tokens, self.cells, self.place = self.TOKEN.findall(text), cells, 0
        assert "".join(self.tokens) == text

    def take(self):
        self.place += 1
        return self.tokens[self.place - 1]

    def value(self, level=0):
        if level == len(self.LEVELS):
            return self.signed()
        left = self.value(level + 1)
        while self.place < len(self.tokens) and self.tokens[self.place] in self.LEVELS[level]:
            sign, right = self.take(), self.value(level + 1)
            left = {
                "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, ">": lambda a, b: a > b,
                "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b, "&": lambda a, b: f"{a}{b}", "+": lambda a, b: a + b,
                "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b, "^": lambda a, b: a**b,
            }[sign](left, right)  # fmt: skip
        return left

    def signed(self):
        token = self.take()
        if token in "+-":
            return -self.signed() if token == "-" else self.signed()
        if token == "(":
            inner = self.value()
            assert self.take() == ")"
            return inner
        if token.startswith('"'):
            return token[1:-1].replace('""', '"')
        if token in self.cells:
            return self.cells[token]
        if token[0].isdigit():
            return float(token)
        assert self.take() == "("
        operands = []
        while self.tokens[self.place] != ")":
            operands.append(self.value())
            if self.tokens[self.place] == ",":
                self.take()
        self.take()
        if token == "SWITCH":
            first, *cases, other = operands
            return next((value for case, value in zip(cases[::2], cases[1::2], strict=True) if case == first), other)
        return self.FUNCTIONS[token](*operands)
