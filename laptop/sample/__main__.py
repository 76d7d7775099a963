"""`python -m laptop.sample FOLDER`: writes one history file and one raw file of invented complaints to the folder."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from laptop.sample.files import write_sample


def main() -> None:
    """Writes `history.csv` and `raw.csv`; the same bytes each time."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        sample = write_sample(Path(scratch))
        for files, name in ((sample.training, "history"), (sample.classify, "raw")):
            largest = max((path for path in files if path.suffix == ".csv"), key=lambda path: path.stat().st_size)
            shutil.copyfile(largest, folder / f"{name}.csv")


if __name__ == "__main__":
    main()
