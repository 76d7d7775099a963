"""Plain tables for a terminal, and what machine they were made on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence


def machine() -> str:
    """One line: the cores and the Python that the figures belong to."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The rows below their header, the first column to the left and all others to the right.

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
