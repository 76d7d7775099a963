"""What every HTML page of the project must be: whole, and without anything that a browser would run or fetch."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any


class _Balanced(HTMLParser):
    """Asserts that each element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def assert_self_contained(text: str) -> None:
    """Fails if an element is not closed, or if the page has a script, a link or an address."""
    parser = _Balanced()
    parser.feed(text)
    assert parser.open == []
    assert not re.search(r"<script|https?:|\bsrc=|\bhref=|url\(", text)
