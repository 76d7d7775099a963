"""The bounds of a preparing job: how much is read, and how much of it may be unreadable.

They come from `pipeline_config.yaml` by way of the run's plan, so that the same input within the same bounds is the
same run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

MB, KB = 1_000_000, 1_000
QUARANTINE = "quarantine"
# Up to here no ratio is suspicious: a small file of similar rows compresses a thousand times, and does no harm.
RATIO_JUDGED_ABOVE = 50 * MB


@dataclass(frozen=True)
class ReaderLimits:
    """The bounds of one run; `complaints.settings` describes each key.

    `aliases` has names of columns that its files use, normalised, each with the name in `COLUMNS`.
    """

    on_unreadable_file: str

    max_expanded_mb: int
    max_expansion_ratio: int
    max_row_kb: int
    max_field_characters: int
    tolerated_rows: int
    max_fraction: float
    aliases: tuple[tuple[str, str], ...] = ()

    @property
    def max_row_bytes(self) -> int:
        """The longest record, in bytes as they stand in the file."""
        return self.max_row_kb * KB

    @property
    def sets_files_aside(self) -> bool:
        """True if a file that cannot be read to its end is set aside, and fails nothing."""
        return self.on_unreadable_file == QUARANTINE

    def why_too_large(self, expanded: int, stored: int) -> str | None:
        """The reason to refuse `stored` bytes that expand to at least `expanded`; None where there is none."""
        if expanded > self.max_expanded_mb * MB:
            return f"it expands to more than {self.max_expanded_mb:,} MB (limits.max_expanded_mb)"
        if expanded > RATIO_JUDGED_ABOVE and expanded > self.max_expansion_ratio * stored:
            ratio = f"more than {self.max_expansion_ratio:,} times its size (limits.max_expansion_ratio)"
            return f"{stored:,} bytes expand to {ratio}: it may be an archive bomb"
        return None

    def why_too_many(self, quarantined: int, rows: int) -> str | None:
        """The reason why a run with this many quarantined rows fails, with the numbers; None where it does not."""
        if quarantined <= self.tolerated_rows or quarantined <= self.max_fraction * rows:
            return None
        share, limit = quarantined / rows, f"{self.tolerated_rows:,} rows and {self.max_fraction:.1%}"
        allowed = f"tolerated are {limit} (limits.quarantine)"
        return f"{quarantined:,} of {rows:,} rows ({share:.1%}) cannot be read, and {allowed}"


def reader_limits(text: str) -> ReaderLimits:
    """The bounds as the job's argument `--limits` has them: one JSON object.

    Raises:
        ValueError: a bound is missing or unknown.
    """
    found = json.loads(text)
    aliases = tuple((str(name), str(column)) for name, column in found.pop("aliases", ()))
    names = [name for name in ReaderLimits.__dataclass_fields__ if name != "aliases"]
    if sorted(found) != sorted(names):
        raise ValueError(
            f"--limits must name exactly {', '.join(names)}; found {', '.join(sorted(found)) or 'nothing'}"
        )
    return ReaderLimits(**found, aliases=aliases)
