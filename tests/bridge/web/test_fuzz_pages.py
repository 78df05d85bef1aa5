"""Random addresses and forms on every route, as a stranger and as everybody at the school: an answer, never a crash."""

from __future__ import annotations

import os
from random import Random  # noqa: TID251 - seeded: the same run every time
from urllib.parse import quote

import aiohttp

from bridge.invite import InviteKind
from bridge.roles import Role
from tests.bridge.web.world import Visitor, World

#: Requests in `make test`, and in `make fuzz`.
SHORT, LONG = 1_000, 20_000
#: What browsers, people and attackers put into fields.
SCRAPS = (
    "", " ", "0", "-1", "1" * 400, "true", "null", "[]", "{}", "+79161234567", "8 (916) 123-45-67",
    "a@b.example", "482913", "482 913 507", "Иванов", "О’Нил-д’Артаньян оглы", "\U0001f469\u200d\U0001f467",
    "\u202ertl", "a\u0000b", "\r\nSet-Cookie: x=y", "{{ 7*7 }}", "{% raw %}", "${7*7}",
    "<script>alert(1)</script>", "'; DROP TABLE contact;--", "../../etc/passwd", "//evil.example", "/me",
    "javascript:alert(1)", "%00", "%F0%9F", "2026-11-28", "31.02.2015", "5А", "student", "guardian",
    "director", "9" * 20, "\ud7ff", "x" * 5000,
)  # fmt: skip
#: Names of fields that some form of ours has; a few that none has.
NAMES = (
    "phone", "email", "code", "password", "role", "class_id", "person", "child", "do", "back", "next",
    "language", "text", "room", "message", "family_name", "given_name", "middle_name", "birth_date",
    "relation", "child_name", "reason", "application", "match", "approve", "reject", "pupil", "pupils",
    "kind", "max_uses", "days", "allow_email", "device", "confirmed", "login", "roles", "status", "source",
    "force", "plan_hash", "columns", "csrf",
    "title", "day", "at", "minutes", "weekdays", "until", "every_weeks", "audience", "once", "which", "week", "folder",
    "file", "last_day", "room_id", "what", "begins", "ends", "key", "q", "from", "__proto__", "id",
    "class", "name", "seen",
)  # fmt: skip


async def test_fuzz_every_route_answers(world: World) -> None:
    """No request of anybody ends in "something broke": no 500, and nothing of the injected text runs or redirects."""
    await world.let_in("D1", "A1", "T1", "U1", "R1")
    await world.settle()
    issued = await world.issue(
        "T1", InviteKind.CLASS_PUPIL, Role.STUDENT, class_id=world.class_id("5А"), max_uses=500
    )
    known = [
        issued.token,
        world.class_id("5А"),
        world.org_id,
        *(world.person_id(one) for one in ("U1", "U2", "R1", "D1")),
        issued.invite.id,
    ]
    visitors = [await world.visitor(one) for one in (None, "D1", "A1", "T1", "U1", "R1")]
    routes = [
        (route.method, route.resource.canonical)
        for route in world.app.router.routes()
        if route.resource is not None and route.method in {"GET", "POST", "PUT"}
    ]
    rng = Random(20260901)  # noqa: S311
    broken = []
    for _ in range(LONG if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else SHORT):
        method, pattern = rng.choice(routes)
        if pattern == "/signout":
            continue  # everybody would be a stranger from here on
        path = _filled(pattern, known, rng)
        status, text, location = await _ask(rng.choice(visitors), method, path, known, rng)
        if status == 500 or status > 503 or location.startswith(("//", "http", "javascript:")):
            broken.append(f"{method} {pattern}: {status} {location[:40]}")
        assert "<script>alert" not in text, pattern
        world.clock.move(seconds=2)  # a person's pace, or the limit on addresses would answer
    assert not broken, "\n".join(sorted(set(broken)))


def _filled(pattern: str, known: list[str], rng: Random) -> str:
    """A route's pattern with ids that exist, or scraps."""
    path = pattern
    while "{" in path:
        head, _, rest = path.partition("{")
        _, _, tail = rest.partition("}")
        path = head + (rng.choice(known) if rng.random() < 0.7 else _quoted(rng)) + tail
    if rng.random() < 0.3:
        path += f"?{rng.choice(NAMES)}={_quoted(rng)}&q={_quoted(rng)}"
    return path


def _quoted(rng: Random) -> str:
    return quote(rng.choice(SCRAPS)[:300].encode("utf-8", "replace"), safe="") or "x"


async def _ask(
    visitor: Visitor, method: str, path: str, known: list[str], rng: Random
) -> tuple[int, str, str]:
    fields: list[tuple[str, str]] = [("csrf", visitor.csrf)]
    for _ in range(rng.randrange(8)):
        value = rng.choice(known) if rng.random() < 0.3 else rng.choice(SCRAPS)
        fields.append((rng.choice(NAMES), value))
    data: aiohttp.FormData | bytes | None = None
    if method != "GET":
        data = bytes(rng.randbytes(200)) if rng.random() < 0.1 else aiohttp.FormData(fields)
    headers = {
        "Cookie": f"sid={visitor.token}",
        "Accept-Language": rng.choice(["ru", "en", "x" * 900]),
    }
    async with visitor.http.request(
        method, visitor.world.url + path, data=data, headers=headers, allow_redirects=False
    ) as answer:
        text = await answer.text(errors="replace")
        cookie = answer.cookies.get("sid")
        if cookie is not None:
            visitor.token = cookie.value
        location = answer.headers.get("Location", "")
    return answer.status, text, location
