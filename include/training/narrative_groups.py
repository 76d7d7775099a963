"""Groups of equal narratives, and a validation share that no group is only partly in."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b


def digest(narrative: str) -> bytes:
    """The same digest for narratives that differ in case and white space only."""
    return blake2b(" ".join(narrative.lower().split()).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def validation_rows(digests: Sequence[bytes], labels: Sequence[str], fraction: float) -> list[bool]:
    """True for the rows to validate on: all rows of that fraction of each class's narratives, by their digests.

    The same rows whatever their order, and without randomness, so that all training jobs of a tuning job are compared
    on the same. A class with too few narratives has none. Narratives with several labels stay in training: no answer to
    them is right.
    """
    labels_of: dict[bytes, set[str]] = {}
    for group, label in zip(digests, labels, strict=True):
        labels_of.setdefault(group, set()).add(label)
    by_class: dict[str, list[bytes]] = {}
    for group, found in labels_of.items():
        if len(found) == 1:
            by_class.setdefault(found.pop(), []).append(group)
    chosen = {group for groups in by_class.values() for group in sorted(groups)[: int(fraction * len(groups))]}
    return [group in chosen for group in digests]
