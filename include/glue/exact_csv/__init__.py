"""Reads complaints CSV exactly, in parallel. The one door is `read_complaints`.

Every record of every file comes back, as a complaint or with the reason why not; memory does not grow with a file.
"""

from exact_csv.inputs import Input
from exact_csv.limits import ReaderLimits, reader_limits
from exact_csv.outputs import files_below, remove_files
from exact_csv.reading import Read, read_complaints

__all__ = ["Input", "Read", "ReaderLimits", "files_below", "read_complaints", "reader_limits", "remove_files"]
