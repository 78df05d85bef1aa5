"""What holds for every page: cookies, headers, forms of our own, languages, errors, pace."""

from __future__ import annotations

import re

import pytest

from bridge.roles import Role
from tests.bridge.web.axe import assert_accessible_everywhere
from tests.bridge.web.world import World


async def test_people_let_in_are_in_the_directory(world: World) -> None:
    """The world of these tests is a real school: a director has an account and rights."""
    await world.let_in("D1", "U1")
    director = await world.account("D1")
    assert director.roles == {Role.DIRECTOR}
    assert director.administers
    assert (await world.account("U1")).student_in == {world.class_id("5А")}


async def test_the_front_page_in_the_browser(browsing: World) -> None:
    """A stranger sees two ways in; nothing breaks axe's rules or the width of 320 px."""
    page = await browsing.page()
    await assert_accessible_everywhere(page, "/")
    assert await page.get_by_role("link", name="Войти").count() >= 1


async def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing(world: World) -> None:
    """The policy, and no referrer to others; answers are not kept by browsers of schools."""
    reply = await (await world.visitor()).get("/")
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert reply.headers["Referrer-Policy"] == "same-origin"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script|style=|onclick|https?://", reply.text)


async def test_a_form_from_elsewhere_is_refused(world: World) -> None:
    """Without this browser's token, with another's, or sent by another site: 403, nothing done."""
    mine, other = await world.visitor(), await world.visitor()
    assert (await mine.post("/language", language="en")).status == 303
    assert (await mine.post("/language", language="en", csrf=other.csrf)).status == 403
    assert (await mine.post("/language", language="en", csrf="")).status == 403
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        reply = await mine._ask("POST", "/language", {"csrf": mine.csrf}, headers)
        assert reply.status == 403


async def test_a_planted_cookie_is_not_signed_in(world: World) -> None:
    """Session fixation: a cookie's value that somebody else knows is nobody's, and changes at sign-in."""
    visitor = await world.visitor()
    visitor.token = "A" * 43
    assert (await visitor.get("/me")).location.startswith("/signin")
    visitor.token = "short"
    await visitor.get("/")
    assert len(visitor.token) == 43  # a cookie that is none is replaced


@pytest.mark.parametrize(
    ("back", "location"),
    [("/help", "/help"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("https://e.x", "/")],
)
async def test_redirects_stay_here(world: World, back: str, location: str) -> None:
    """Nobody is sent to another site from ours."""
    reply = await (await world.visitor()).post("/language", language="ru", back=back)
    assert reply.location == location


async def test_malformed_requests_are_answered_with_pages(world: World) -> None:
    """Too long, of an unknown kind, with a boundary that is none: a page that says what to do."""
    visitor = await world.visitor()
    assert (await visitor.get("/nothing")).status == 404
    assert (await visitor._ask("PUT", "/", None, {})).status in {404, 405}
    assert (await visitor.post("/language", back="x" * 100_000)).status == 413
    broken = {"Content-Type": "multipart/form-data"}
    assert (await visitor._ask("POST", "/language", b"x", broken)).status == 400
    assert "Такой страницы нет" in (await visitor.get("/nothing")).text


async def test_a_flood_from_one_address_is_stopped(world: World) -> None:
    """429 for that address only; X-Forwarded-For counts from our own proxy, not what a visitor writes before it."""
    visitor = await world.visitor()
    world.clock.stop()
    statuses = [
        (
            await visitor.get("/robots.txt", **{"X-Forwarded-For": f"10.0.0.{n % 9}, 198.51.100.7"})
        ).status
        for n in range(140)
    ]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    other = await visitor.get("/robots.txt", **{"X-Forwarded-For": "198.51.100.8"})
    assert other.status == 200
