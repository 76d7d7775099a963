"""`python -m bench.scale`: time and memory of training as the number of narratives grows."""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from bench.processes import measured
from bench.results import BUILD, record, save
from bench.tables import growth, table
from bench.tiled_narratives import labelled, tiled, write_rows
from complaints.settings import load_settings

ROOT = Path(__file__).parents[1]
_ABOUT = (
    "Wall time and peak memory of the training script in one process as the number of narratives grows. It is "
    "compared with itself: `growth` is the exponent of the number of narratives from the row above, so n^1.0 is "
    "linear. Copies of a narrative have a tenth of their words replaced. `learned` is what is left after the largest "
    "classes are capped at `training.max_class_rows`."
)
SIZES = (10_000, 100_000, 1_000_000, 3_500_000)


def main() -> int:
    """Trains on each size in a process of its own; returns 1 if the same rows give two different models."""
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument(
        "--rows", type=int, action="append", help=f"number of narratives, repeatable (default: {SIZES})"
    )
    parser.add_argument("--train", type=Path, action="append", default=[], help="labelled complaints CSV")
    options = parser.parse_args()
    source, rows = labelled(options.train)
    sizes = options.rows or SIZES
    print(f"{_ABOUT}\n\ntraining on narratives made from {len(rows):,} of {source}", flush=True)
    # The smallest size runs twice: the same rows must give the same bytes.
    found = [_trained(size, rows) for size in (sizes[0], *sizes)]
    if found[0]["checksum"] != found[1]["checksum"]:
        print(f"{sizes[0]:,} narratives gave a different model the second time", file=sys.stderr)
        return 1
    text = _report(source, found[1:])
    print(text)
    save("scale", found[1:])
    record("scale", _ABOUT, text, ["scikit-learn", "numpy", "scipy"])
    return 0


def _trained(size: int, rows: list[tuple[str, str]]) -> dict[str, Any]:
    folder = BUILD / "scale" / str(size)
    shutil.rmtree(folder, ignore_errors=True)
    write_rows(tiled(rows, size), folder / "train")
    training = load_settings().model.training
    given = {**training.hyperparameters.model_dump(), "max_class_rows": training.max_class_rows}
    arguments = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    script = ROOT / "include" / "training" / "train.py"
    folders = ["--train", str(folder / "train"), "--model-dir", str(folder / "model")]
    run = measured([sys.executable, str(script), *folders, *arguments])
    # The training's own word on how many of them it learned from.
    capped = re.search(r"capped_rows=(\d+)", run.output)
    learned = int(capped[1]) if capped else size
    size_mb = sum(path.stat().st_size for path in (folder / "model").rglob("*") if path.is_file()) / 1e6
    digest = hashlib.sha256()
    for path in sorted((folder / "model").rglob("*")):
        digest.update(path.read_bytes() if path.is_file() else b"")
    shutil.rmtree(folder)
    print(f"{size:,}: {run.seconds:.1f} s, {run.peak_memory_mb:,.0f} MB", flush=True)
    return {
        "contender": "ours",
        "rows": size,
        "learned": learned,
        "checksum": digest.hexdigest(),
        "seconds": run.seconds,
        "peak_memory_mb": run.peak_memory_mb,
        "model_mb": size_mb,
    }


def _report(source: str, found: list[dict[str, Any]]) -> str:
    lines = []
    for place, each in enumerate(found):
        figures = [f"{each['seconds']:.1f}", "", f"{each['peak_memory_mb']:,.0f}", ""]
        if place:
            before = found[place - 1]
            for column, what in ((1, "seconds"), (3, "peak_memory_mb")):
                figures[column] = growth((before["rows"], before[what]), (each["rows"], each[what]))
        lines.append([f"{each['rows']:,}", f"{each['learned']:,}", *figures, f"{each['model_mb']:.1f}"])
    header = ["narratives", "learned", "seconds", "growth", "peak MB", "growth", "model MB"]
    return f"narratives made from {source}\n\n{table(header, lines)}"


if __name__ == "__main__":
    sys.exit(main())
