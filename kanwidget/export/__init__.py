"""Trained networks for other programs: NumPy, C and ONNX, each written from one description (`program.py`)."""

from kanwidget.export.formats import FORMATS, Format, code, file_content, suffix_of

__all__ = ["FORMATS", "Format", "code", "file_content", "suffix_of"]
