"""Reads a configuration of nginx into directives, so that tests speak of rules and not of spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import field, frozen

_TOKEN = re.compile(r'\s+|#[^\n]*|("(?:[^"\\]|\\.)*")|([{};])|([^\s{};"]+)')


@frozen
class Directive:
    """`words`: name and arguments; `inside`: of a block."""

    words: tuple[str, ...]
    inside: tuple[Directive, ...] | None = None
    name: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "name", self.words[0])

    def all(self, name: str) -> list[tuple[str, ...]]:
        """Arguments of every directive of this name right in this block."""
        return [one.words[1:] for one in self.inside or () if one.name == name]

    def one(self, name: str) -> str:
        """Arguments of the only one."""
        (words,) = self.all(name)
        return " ".join(words)

    def block(self, *words: str) -> Directive:
        """The only block that begins with these words."""
        (found,) = (
            one
            for one in self.inside or ()
            if one.inside is not None and one.words[: len(words)] == words
        )
        return found

    def everything(self) -> Iterator[Directive]:
        """This and all that is in it."""
        yield self
        for one in self.inside or ():
            yield from one.everything()


def read(text: str) -> Directive:
    """The whole file; raises ValueError where nginx would."""
    tokens = _tokens(text)
    top = Directive(("main",), tuple(_directives(tokens, nested=False)))
    if list(tokens):
        raise ValueError("more closes than opens")
    return top


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"at {text[at : at + 30]!r}")
        at = match.end()
        token = match[1] or match[2] or match[3]
        if token:
            yield token


def _directives(tokens: Iterator[str], *, nested: bool) -> Iterator[Directive]:
    words: list[str] = []
    for token in tokens:
        if token == ";":
            yield Directive(tuple(words))
            words = []
        elif token == "{":
            yield Directive(tuple(words), tuple(_directives(tokens, nested=True)))
            words = []
        elif token == "}":
            if not nested or words:
                raise ValueError("a block that ends too early")
            return
        else:
            words.append(token)
    if nested or words:
        raise ValueError("a block that does not end")
