"""The section `broadcasts` of media.yaml, checked once at the start. Pure: no file is opened here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import fields, frozen

from serving.settings import LOCAL, BadConfig, of, section_of, url_of

EXAMPLE_NODE = "https://rtc1.school.example"
EXAMPLE_EDGE = "https://edge1.school.example"
EXAMPLE_STORAGE = "https://storage.example"
_STORAGE_FORMS = {
    "bucket": re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
    "region": re.compile(r"[a-z0-9-]{1,64}"),
    "key_id": re.compile(r"[A-Za-z0-9_.+=,@-]{1,128}"),
    "shown_at": re.compile(r"https://[A-Za-z0-9._~:/-]{1,255}"),
}
#: Broadcasts of one node at once: each costs about a tenth of a core, a transcoded one half of one.
MOST_AT_ONCE = 64
#: Days a recording is kept at most: ten years.
MOST_DAYS = 3_650
#: Edges of one school: 64 of 1 Gbit/s are 180,000 viewers.
MOST_EDGES = 64


@frozen(kw_only=True)
class Storage:
    """S3-compatible storage, where broadcasts are put as plain segments while they last.

    Attributes:
        url: of its API.
        shown_at: where browsers read the bucket: its own address, or a CDN's.
    """

    url: str
    bucket: str
    shown_at: str
    key_id: str
    secret_file: Path
    region: str = "us-east-1"


@frozen(kw_only=True)
class Broadcasts:
    """Same names and same order as in media.yaml.example.

    Attributes:
        folder: for the register, recordings and the key of passes; made at the start, nobody else's.
        player: folder of hls.js (scripts/install-clients).
        url: this node's own address for viewers and hosts, where several nodes share `public_url`; "": that one.
        sign_in_url: the onboarding pages, for whoever has no session in this browser; "": none.
        edges: addresses of edges, which viewers share among them; none: this server answers viewers itself.
        edge_secret_file: what edges prove themselves with; needed where there are any.
        schools_file: other schools, whose broadcasts can be shown here and ours there; None: there are none.
        storage: where viewers go on when this server and all edges are away.
        at_once: broadcasts that run at one time on this node.
        recording_days: after that many a recording is deleted.
    """

    folder: Path
    player: Path
    url: str = ""
    sign_in_url: str = ""
    edges: tuple[str, ...] = ()
    edge_secret_file: Path | None = None
    schools_file: Path | None = None
    storage: Storage | None = None
    at_once: int = 8
    recording_days: int = 365


def broadcasts_of(raw: Any, beside: Path) -> Broadcasts | None:
    """The section; None: `null`, no broadcasts here. `beside`: relative paths start there.

    Raises:
        BadConfig: names the setting.
    """
    if raw is None:
        return None
    section = section_of("broadcasts", raw, Broadcasts)
    values: dict[str, Any] = {}
    for one in fields(Broadcasts):
        if one.name in section and section[one.name] is not None:
            values[one.name] = section[one.name]
    for name in ("folder", "player"):
        if not values.get(name):
            raise BadConfig(f"broadcasts.{name}: is missing")
    for name in ("folder", "player", "edge_secret_file", "schools_file"):
        if name in values:
            values[name] = beside / of(str, f"broadcasts.{name}", values[name])
    if values.get("url"):
        values["url"] = url_of("broadcasts.url", values["url"], EXAMPLE_NODE)
    if values.get("sign_in_url"):
        values["sign_in_url"] = _sign_in(values["sign_in_url"])
    values["edges"] = _edges(values)
    if "storage" in values:
        values["storage"] = _storage(values["storage"], beside)
    _numbers(values)
    return Broadcasts(**values)


def _edges(values: Mapping[str, Any]) -> tuple[str, ...]:
    given = of(list, "broadcasts.edges", values.get("edges", []))
    edges = tuple(url_of("broadcasts.edges", one, EXAMPLE_EDGE) for one in given)
    if len(edges) > MOST_EDGES:
        raise BadConfig(f"broadcasts.edges: {MOST_EDGES} at most")
    if edges and "edge_secret_file" not in values:
        raise BadConfig(
            "broadcasts.edge_secret_file: is needed for edges; `python -m media.broadcast.edges` makes it"
        )
    return edges


def _storage(raw: Any, beside: Path) -> Storage:
    section = section_of("broadcasts.storage", raw, Storage)
    for name in ("url", "bucket", "shown_at", "key_id", "secret_file"):
        if not section.get(name):
            raise BadConfig(f"broadcasts.storage.{name}: is missing")
    for name, value in section.items():
        of(str, f"broadcasts.storage.{name}", value)
    for name, form in _STORAGE_FORMS.items():
        if name in section and form.fullmatch(section[name]) is None:
            raise BadConfig(f"broadcasts.storage.{name}: want {form.pattern}")
    section["url"] = url_of("broadcasts.storage.url", section["url"], EXAMPLE_STORAGE)
    shown = urlsplit(section["shown_at"])
    if shown.scheme != "https" or not shown.hostname or shown.query or shown.fragment:
        raise BadConfig(
            f"broadcasts.storage.shown_at: want an address such as {EXAMPLE_STORAGE}/bucket"
        )
    section["shown_at"] = section["shown_at"].rstrip("/")
    section["secret_file"] = beside / section["secret_file"]
    return Storage(**section)


def _sign_in(value: Any) -> str:
    """A page, so it may have a path."""
    parts = urlsplit(of(str, "broadcasts.sign_in_url", value))
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise BadConfig("broadcasts.sign_in_url: want an address such as https://school.example")
    return str(value)


def _numbers(values: Mapping[str, Any]) -> None:
    for name, most in (("at_once", MOST_AT_ONCE), ("recording_days", MOST_DAYS)):
        if name in values and not 1 <= of(int, f"broadcasts.{name}", values[name]) <= most:
            raise BadConfig(f"broadcasts.{name}: want a number from 1 to {most}")
