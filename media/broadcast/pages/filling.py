"""A template with values put into it: everything is escaped but what is HTML already. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from string import Template

from attrs import frozen


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


@frozen
class _Values(Mapping[str, str]):
    """Values for one template: escaped, unless they are `Html`; `w_KEY` is a word. An unknown name is an error."""

    words: Mapping[str, str]
    given: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        value = self.words[name[2:]] if name.startswith("w_") else self.given[name]
        return value if isinstance(value, Html) else html.escape(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


def filled(template: Template, words: Mapping[str, str], given: Mapping[str, str]) -> Html:
    """One template.

    Raises:
        KeyError: it has a name that nobody gave.
    """
    return Html(template.substitute(_Values(words, given)))


def paragraph(text: str, kind: str = "") -> Html:
    opening = f'<p class="{kind}">' if kind else "<p>"
    return Html(f"{opening}{html.escape(text)}</p>\n")


def link(url: str, text: str) -> Html:
    return Html(f'<p><a href="{html.escape(url)}">{html.escape(text)}</a></p>')


def said(text: str) -> Html:
    """What a form did."""
    return Html(f'<p class="said" role="status">{html.escape(text)}</p>\n')


def wrong(text: str) -> Html:
    """What is wrong with a form."""
    return Html(f'<p id="wrong" class="wrong" role="alert">{html.escape(text)}</p>\n')
