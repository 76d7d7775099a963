"""Plain-text tables of figures, with spread, growth, ratio and a description of the machine."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Sequence


def machine() -> str:
    """The machine in one line: cores, architecture and Python version."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def spread(figures: Sequence[float], form: str) -> list[str]:
    """The minimum, the median and the maximum.

    >>> spread([3.0, 1.0, 2.5], "{:.1f}")
    ['1.0', '2.5', '3.0']
    """
    return [form.format(each) for each in (min(figures), statistics.median(figures), max(figures))]


def growth(small: Sequence[float], large: Sequence[float]) -> str:
    """The exponent of the size with which the time grew, from two pairs `(size, time)`.

    >>> growth((100, 0.25), (400, 4.0))
    'n^2.0'
    """
    return f"n^{math.log(large[1] / small[1]) / math.log(large[0] / small[0]):.1f}"


def ratio(one: float, two: float) -> str:
    """The first time divided by the second; `-` if the second is zero."""
    return f"{one / two:.2f}" if two > 0 else "-"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The header and the rows, with the first column aligned left and the others right.

    >>> print(table(["flow", "s"], [["a", 1.5], ["bcd", 10]]))
    flow    s
    a     1.5
    bcd    10
    """
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = (
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )
    return "\n".join(lines)
