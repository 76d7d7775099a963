"""HTML in which every value is escaped, because only `tag` can make markup.

>>> tag("p", "a < b", class_="note")
'<p class="note">a &lt; b</p>'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


class Markup(str):
    """Text that is HTML already; any other text is escaped when it is put into a tag."""

    __slots__ = ()


# The head of a column of bars: the column beside it has the name and the number.
DRAWN = Markup('<th class="drawn" scope="col" aria-label="drawn"></th>')


def markup(*values: object) -> Markup:
    """The values one after the other, escaped unless they are markup; None is nothing."""
    return Markup("".join(v if isinstance(v, Markup) else escape(str(v), quote=True) for v in values if v is not None))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """One element. ``class_`` stands for class, ``aria_label`` for aria-label; None leaves one out."""
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
    """A table whose first column names its rows, in a box that scrolls when the page is narrow.

    A cell that is a ``td`` or ``th`` already stays as it is.
    """
    header = tag("thead", tag("tr", *(_cell("th", value, scope="col") for value in head)))
    footer = tag("tfoot", _row(foot)) if foot else None
    rows = tag("tbody", *(_row(row) for row in body))
    # A box that scrolls must be reachable by keyboard.
    return tag("div", tag("table", header, rows, footer, class_=class_), class_="scroll", tabindex=0)


def _row(cells: Sequence[object]) -> Markup:
    first, *rest = cells
    return tag("tr", _cell("th", first, scope="row"), *(_cell("td", value) for value in rest))


def _cell(name: str, value: object, **attributes: object) -> Markup:
    if isinstance(value, Markup) and value.startswith(("<td", "<th")):
        return value
    return tag(name, value, **attributes)


def section(title: str, *children: object, lead: object = None) -> Markup:
    """One part of the page under its heading, with a sentence that says how to read it."""
    return tag("section", tag("h2", title), tag("p", lead, class_="lead") if lead else None, *children)


def figure(title: str, *children: object) -> Markup:
    """A titled block within a section."""
    return tag("div", tag("h3", title), *children, class_="figure")


def columns(*children: object) -> Markup:
    """Blocks beside each other where there is room, below each other where there is not."""
    return tag("div", *children, class_="columns")
