"""HTML elements in which every value is escaped, because only `tag` creates markup.

>>> tag("p", "a < b", class_="note")
'<p class="note">a &lt; b</p>'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


class Markup(str):
    """Text that is HTML already; any other text is escaped when it is placed in an element."""

    __slots__ = ()


# The head of a column of bars; the neighbouring columns have the names and numbers.
DRAWN = Markup('<th class="drawn" scope="col" aria-label="drawn"></th>')


def markup(*values: object) -> Markup:
    """The values concatenated, escaped unless they are markup; None is skipped."""
    return Markup("".join(v if isinstance(v, Markup) else escape(str(v), quote=True) for v in values if v is not None))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element. ``class_`` becomes class, ``aria_label`` aria-label; attributes that are None are left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{markup(*children)}</{name}>")


def table(
    head: Sequence[object],
    body: Iterable[Sequence[object]],
    *,
    foot: Sequence[object] = (),
    class_: str | None = None,
) -> Markup:
    """A table whose first column has the row headers, in a box that scrolls on a narrow page.

    Cells that are a ``td`` or ``th`` already are not wrapped again.
    """
    header = tag("thead", tag("tr", *(_cell("th", value, scope="col") for value in head)))
    footer = tag("tfoot", _row(foot)) if foot else None
    rows = tag("tbody", *(_row(row) for row in body))
    # A scrolling box must be reachable by keyboard.
    return tag("div", tag("table", header, rows, footer, class_=class_), class_="scroll", tabindex=0)


def _row(cells: Sequence[object]) -> Markup:
    first, *rest = cells
    return tag("tr", _cell("th", first, scope="row"), *(_cell("td", value) for value in rest))


def _cell(name: str, value: object, **attributes: object) -> Markup:
    if isinstance(value, Markup) and value.startswith(("<td", "<th")):
        return value
    return tag(name, value, **attributes)


def section(title: str, *children: object, lead: object = None) -> Markup:
    """A section of the page: its heading, a sentence that explains it, and its content."""
    return tag("section", tag("h2", title), tag("p", lead, class_="lead") if lead else None, *children)


def figure(title: str, *children: object) -> Markup:
    """A block with a title, within a section."""
    return tag("div", tag("h3", title), *children, class_="figure")


def columns(*children: object) -> Markup:
    """Blocks side by side, or one below the other on a narrow page."""
    return tag("div", *children, class_="columns")
