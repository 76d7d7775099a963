"""The message about files that a run set aside because they cannot be read to their end; the run goes on without them.

One SNS message to the topic of the alerts, although nothing failed (`limits.on_unreadable_file: quarantine`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from complaints.notifications import alerts
from complaints.runs.plans import Plan
from complaints.settings import Settings

# Characters of one file's line, and of all lines; Publish takes 256 kB.
_LONGEST_LINE, _LONGEST_LIST = 600, 6_000


def report(plan: Plan, files: Sequence[Mapping[str, Any]], settings: Settings) -> None:
    """Publishes one message that names the files; none where `files` is empty.

    `files` are the `unreadable_files` of an account: source, size, line and reason of each. A task that is repeated
    publishes again.

    Raises:
        ClientError: SNS refused the message six times.
    """
    if files:
        flow = f"complaints_{plan['flow']}"
        alerts.publish(settings, f"{flow} set {_files(len(files))} aside", message(plan, files), {"flow": flow})


def message(plan: Plan, files: Sequence[Mapping[str, Any]]) -> str:
    """The text: the files with their sizes and reasons, and what to do."""
    lines, length = list[str](), 0
    for each in files:
        line = _line(each)
        if lines and length + len(line) > _LONGEST_LIST:
            lines.append(f"and {len(files) - len(lines):,} more")
            break
        lines.append(line)
        length += len(line)
    done = "classified" if plan["flow"] == "classification" else "used for training"
    return "\n".join(
        [
            f"complaints_{plan['flow']} set {_files(len(files))} aside, since each of them cannot be read to its end:",
            "",
            *lines,
            "",
            f"None of their rows was {done}; the other files were. Repair each file and upload it again.",
            f"Run: {plan['run_id']}",
            f"Quarantine: {plan['quarantine_uri']}",
        ]
    )


def _line(file: Mapping[str, Any]) -> str:
    behind = f", behind line {file['line']:,}" if file["line"] else ""
    line = f"{file['source']} ({file['size']:,} bytes{behind}): {file['reason']}"
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 2]} …"


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"
