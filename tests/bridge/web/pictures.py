"""Every page that the tests of this folder have made, so that each is looked at in both languages at the end.

A page after a form, or one that a newcomer sees once, cannot be opened by its address again. What it was made from is
kept instead, and made again in the other language (`test_zz_every_page.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from attrs import define, evolve, field, frozen

from bridge.config import LANGUAGES
from bridge.web import paper, render
from bridge.web.render import TEMPLATES
from bridge.web.visit import VISIT

#: Templates that others are made of.
PARTS = frozenset(
    {
        "base.html", "fields.html", "head/base.html", "hello/box.html", "join/about.html", "join/dispute_owner.html",
        "self/other_schools.html",
        "print/base.html", "teacher/tags.html",
    }
)  # fmt: skip
#: Pages of one template that are kept: the first, and the one with most on it.
KEPT = 2


@frozen
class Made:
    """One page as it was made."""

    request: web.Request
    values: Mapping[str, Any]
    length: int


@define
class Album:
    """Attributes:
    files: test files that ran, to know whether all did.
    """

    made: dict[str, list[Made]] = field(factory=dict)
    files: set[Path] = field(factory=set)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep what pages are made from until the end of the block."""
        original = render.html_of

        def html_of(request: web.Request, template: str, values: Mapping[str, Any]) -> str:
            text = original(request, template, values)
            kept = [*self.made.get(template, ()), Made(request, dict(values), len(text))]
            if len(kept) > KEPT:
                kept = [kept[0], max(kept[1:], key=lambda one: one.length)]
            self.made[template] = kept
            return text

        _put(html_of)
        try:
            yield
        finally:
            _put(original)

    def pages(self) -> Iterator[tuple[str, str, str]]:
        """(template, language, HTML) of everything kept."""
        for template, kept in sorted(self.made.items()):
            for made in kept:
                for language in LANGUAGES:
                    visit = evolve(made.request[VISIT], language=language)
                    made.request[VISIT] = visit
                    yield template, language, render.html_of(made.request, template, made.values)

    def never_made(self) -> set[str]:
        """Templates that no test has seen."""
        every = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html")}
        return every - PARTS - set(self.made)


def _put(html_of: Any) -> None:
    """In every module that has the function under its own name."""
    for module in (render, paper):
        vars(module)["html_of"] = html_of


ALBUM = Album()
