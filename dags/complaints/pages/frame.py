"""The document around each page: navigation, language, style sheet and script, and the headers that guard it.

Style and scripts are part of the document, allowed by their hashes: a page is one request, and no route is left that
answers without a user.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from complaints.pages.markup import Markup, markup, tag
from complaints.pages.style import STYLE
from complaints.pages.words import ENGLISH, LANGUAGES, Words

_HERE = Path(__file__).parent
_STYLE = "pages.css"
_SCRIPTS = {"page": "page.js", "sign in": "sign_in.js"}
_PLACES = (("", "Overview"), ("runs", "Runs"), ("models", "Models"), ("monitoring", "Monitoring"))


@dataclass(frozen=True)
class Frame:
    """Who looks, in which language, and where the pages and Airflow are.

    `root` and `airflow` are the paths before `/runs` of the pages and before `/dags` of Airflow. `may` holds what the
    user may do: the ids of the DAGs that they may trigger, and `answer` if they may answer an approval.
    """

    root: str
    airflow: str = ""
    user: str = ""
    say: Words = ENGLISH
    may: frozenset[str] = field(default_factory=frozenset)

    def link(self, path: str, *text: object, **attributes: object) -> Markup:
        """A link to another page."""
        return tag("a", *text, href=f"{self.root}/{path}", **attributes)

    def airflow_link(self, path: str, *text: object) -> Markup:
        """A link to a page of Airflow's own, which opens beside the navigation of Airflow."""
        return tag("a", *text, href=f"{self.airflow}/{path}", data_airflow="", target="_top")


def document(frame: Frame, title: str, *content: object, place: str = "") -> str:
    """A page as one HTML document; `place` is the path of its entry in the navigation."""
    say = frame.say
    body = tag(
        "body",
        tag("a", say("Skip to the content"), href="#content", class_="skip"),
        tag("nav", *_navigation(frame, place), aria_label=say("Complaints")),
        tag("main", tag("h1", title), *content, id="content"),
        _script("page"),
        data_airflow=frame.airflow,
        data_user=frame.user,
    )
    return _html(say.language, f"{title} · {say('Complaints')}", body, _style())


def message(frame: Frame, title: str, *sentences: object) -> str:
    """A page that says why there is nothing to see."""
    return document(frame, title, *(tag("p", each, class_="lead") for each in sentences))


def sign_in(airflow: str) -> str:
    """The document for a request without a user: it is empty, and asks again with the token that Airflow's UI keeps.

    Airflow 3.0 keeps its token where only scripts find it, so the request for a page cannot carry it. A browser without
    a token is sent to Airflow's login.
    """
    link = tag("a", "Sign in to Airflow", href=f"{airflow}/", target="_top")
    return _html("en", "Sign in", tag("body", tag("p", link), _script("sign in"), data_airflow=airflow), _style())


def standalone(title: str, *content: object) -> str:
    """A document for a file, such as the report of a run: no script, no link, nothing to fetch; it can be printed."""
    return _html("en", title, tag("body", *content), STYLE)


@cache
def headers() -> dict[str, str]:
    """The headers of every answer: nothing is loaded from elsewhere, nothing is cached, and only Airflow frames it."""
    scripts = " ".join(_hash(_read(name)) for name in _SCRIPTS.values())
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src-elem {_hash(_style())}; style-src-attr 'unsafe-inline'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    )
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
    }


def _html(language: str, title: str, body: Markup, style: str) -> str:
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        tag("title", title),
        tag("style", Markup(style)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang=language)}\n"


def _navigation(frame: Frame, place: str) -> list[Markup]:
    entries = [
        frame.link(path, frame.say(name), aria_current="page" if path == place else None) for path, name in _PLACES
    ]
    languages = [
        tag("a", name, href=f"?language={code}", lang=code, hreflang=code, data_language=code)
        for code, name in LANGUAGES.items()
        if code != frame.say.language
    ]
    return [tag("span", *entries, class_="places-of"), tag("span", markup(*languages), class_="languages")]


def _script(name: str) -> Markup:
    return tag("script", Markup(_read(_SCRIPTS[name])))


@cache
def _style() -> str:
    return STYLE + _read(_STYLE)


@cache
def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
