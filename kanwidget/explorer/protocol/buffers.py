"""Numbers for messages: arrays as the one binary buffer, and floats that JSON can hold."""

from __future__ import annotations

import math

from torch import Tensor

from kanwidget.explorer.protocol.records import Arrays


def pack(named: dict[str, Tensor]) -> tuple[Arrays, bytes]:
    """Arrays by name as one buffer of little-endian float32, one after the other.

    Returns:
        The index, name → `[offset in numbers, shape]`, and the buffer, which is a copy.

    Examples:
        >>> import torch
        >>> pack({"a": torch.zeros(2, 3), "b": torch.ones(1)})[0]
        {'a': [0, [2, 3]], 'b': [6, [1]]}
    """
    arrays: Arrays = {}
    parts: list[bytes] = []
    offset = 0
    for name, value in named.items():
        arrays[name] = [offset, list(value.shape)]
        offset += value.numel()
        parts.append(value.detach().cpu().float().contiguous().numpy().astype("<f4").tobytes())
    return arrays, b"".join(parts)


def finite(value: float | None) -> float | None:
    """The number, None for NaN and infinity, which JSON can't hold.

    Examples:
        >>> finite(0.5), finite(float("nan"))
        (0.5, None)
    """
    return value if value is not None and math.isfinite(value) else None
