"""A browser without a screen for measurements: cookies, the forms of a page, how long each answer took."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from html.parser import HTMLParser

import aiohttp
from attrs import define, field


@define
class Form:
    """One form of a page: where it goes, and what it sends if nobody types anything."""

    action: str
    fields: dict[str, str] = field(factory=dict)


class Forms(HTMLParser):
    """Every form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.found.append(Form(given.get("action") or ""))
        elif tag in {"input", "textarea", "select"} and self.found and given.get("name"):
            if given.get("type") in {"checkbox", "radio"} and "checked" not in given:
                return
            self.found[-1].fields[given["name"] or ""] = given.get("value") or ""


@define(eq=False)
class Pages:
    """One visitor of the pages at `url`. `took`: name of a page → seconds of each of its answers."""

    url: str
    http: aiohttp.ClientSession
    took: defaultdict[str, list[float]]
    text: str = ""
    path: str = ""
    status: int = 0
    loads_again: bool = False  # "one moment": the page loads itself again
    screens: int = 0  # pages shown, redirects not counted
    _cookies: dict[str, str] = field(factory=dict)

    async def get(self, name: str, path: str) -> None:
        """Open a page, and the pages it leads to."""
        await self._follow(name, "GET", path, None)

    async def send(self, name: str, has: str, typed: Mapping[str, str]) -> None:
        """Fill in the form that has a field `has`, and send it.

        Raises:
            RuntimeError: the page has no such form; the message says which page.
        """
        reader = Forms()
        reader.feed(self.text)
        form = next((one for one in reader.found if has in one.fields), None)
        if form is None:
            raise RuntimeError(f"{name}: no form with {has!r} on {self.path} ({self.status})")
        path = form.action or self.path
        await self._follow(name, "POST", path, {**form.fields, **typed})

    async def _follow(
        self, name: str, method: str, path: str, data: Mapping[str, str] | None
    ) -> None:
        for _ in range(10):
            location = await self._ask(name, method, path, data)
            if location is None:
                self.screens += 1
                return
            name, method, path, data = f"{name}_next", "GET", location, None
        raise RuntimeError(f"{name}: redirects without an end")

    async def _ask(
        self, name: str, method: str, path: str, data: Mapping[str, str] | None
    ) -> str | None:
        cookie = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
        began = time.monotonic()
        async with self.http.request(
            method,
            path if path.startswith("http") else self.url + path,
            data=data,
            headers={"Cookie": cookie, "Accept-Language": "ru"},
            allow_redirects=False,
        ) as answer:
            self.text = await answer.text()
        self.took[name].append(time.monotonic() - began)
        self.path, self.status = path, answer.status
        self.loads_again = "Refresh" in answer.headers
        for key, morsel in answer.cookies.items():
            self._cookies[key] = morsel.value
        if answer.status >= 400:
            raise RuntimeError(f"{name}: {answer.status} from {path.partition('?')[0][:12]}…")
        return answer.headers.get("Location") if answer.status in {302, 303} else None
