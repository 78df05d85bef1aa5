"""From these pages to a broadcast: a phone or a QR card is enough to watch, and nothing of the session goes along."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Route

from media.broadcast.register.tickets import DESK, Tickets
from tests.bridge.web.axe import assert_accessible_everywhere
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.world import Reply, Visitor, World

CALLS = "https://rtc.school.example"


def there(reply: Reply) -> str:
    """Where a browser goes by itself."""
    assert reply.status == 200, reply.text
    return str(reply.headers["Refresh"]).removeprefix("0; url=")


def opened(world: World, reply: Reply, to: str) -> str | None:
    """Whose ticket the calls server finds in an answer."""
    ticket = parse_qs(urlsplit(there(reply)).query)["ticket"][0]
    token, now = world.server.service_token, world.clock().timestamp()
    return Tickets().account(ticket, to, [token], now)


async def signed_in(world: World, who: str) -> Visitor:
    """By phone and password, from the link on the calls server's page."""
    visitor = await world.visitor()
    first = await visitor.get("/broadcasts/b1")
    assert (first.status, first.headers["Location"]) == (303, "/signin?next=%2Fbroadcasts%2Fb1")
    after = await visitor.post(
        "/signin", login=world.phone(who), password=PASSWORD, next="/broadcasts/b1"
    )
    assert (after.status, after.headers["Location"]) == (303, "/broadcasts/b1")
    return visitor


async def test_a_parent_with_a_phone_goes_on_to_the_broadcast(world: World) -> None:
    """One sign-in, then a ticket of this account for this broadcast; nothing of the session is in the address."""
    await world.let_in("R1")
    visitor = await signed_in(world, "R1")
    reply = await visitor.get("/broadcasts/b1")
    assert there(reply).startswith(f"{CALLS}/watch/b1?ticket=")
    assert there(reply) in reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    assert visitor.token not in reply.text
    assert opened(world, reply, "b1") == (await world.account("R1")).user_id
    assert opened(world, reply, "b2") is None
    again = await visitor.get("/broadcasts/b1")
    assert there(again) != there(reply)


async def test_a_browser_goes_on_by_itself(browsing: World) -> None:
    """From the form of the sign-in to another site, which our own policy (CSP) would not let a redirect do."""
    await browsing.let_in("R1")
    page = await browsing.page()

    async def served(route: Route) -> None:
        await route.fulfill(body="<title>Трансляция</title>", content_type="text/html")

    await page.route(f"{CALLS}/**", served)
    await page.goto("/broadcasts/b1")
    await page.get_by_label("Телефон, почта или логин").fill(browsing.phone("R1"))
    await page.get_by_label("Пароль").fill(PASSWORD)
    await page.get_by_role("button", name="Войти").click()
    await page.wait_for_url(f"{CALLS}/watch/b1?ticket=*")
    assert await page.evaluate("document.referrer") == ""


async def test_the_page_between(browsing: World) -> None:
    """For a browser that does not go on by itself: what to press, in both languages."""
    await browsing.let_in("R1")
    page = await browsing.page("R1")

    async def stays(route: Route) -> None:
        answer = await route.fetch()
        kept = {name: v for name, v in answer.headers.items() if name != "refresh"}
        await route.fulfill(response=answer, headers=kept)

    await page.route("**/broadcasts/b1", stays)
    await assert_accessible_everywhere(page, "/broadcasts/b1")


async def test_everybody_finds_the_broadcasts_of_the_school(world: World) -> None:
    """From one's own page; heads and class teachers are told that they may lead some, a parent is not."""
    await world.let_in("T1", "R1")
    for who, leads in (("T1", True), ("R1", False)):
        visitor = await world.visitor(who)
        assert 'href="/broadcasts"' in (await visitor.get("/me")).text
        assert ("Открыть трансляции" in (await visitor.get("/clients")).text) is leads
        reply = await visitor.get("/broadcasts")
        assert there(reply).startswith(f"{CALLS}/broadcasts?ticket=")
        assert opened(world, reply, DESK) == (await world.account(who)).user_id


async def test_no_page_leads_to_what_is_not_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the calls server has no broadcasts, neither one's own page nor that of the clients speaks of them."""
    await world.let_in("T1")
    monkeypatch.setattr(world.services.calls, "broadcasts", False)
    visitor = await world.visitor("T1")
    assert "/broadcasts" not in (await visitor.get("/me")).text
    assert "/broadcasts" not in (await visitor.get("/clients")).text


async def test_no_ticket_for_anything_else(world: World) -> None:
    """A name that no broadcast has is no page; whoever waits for a yes is told so."""
    await world.let_in("R1")
    visitor = await world.visitor("R1")
    assert (await visitor.get("/broadcasts/a%2F..%2Fb")).status == 404
    assert (await visitor.get("/broadcasts/" + "a" * 65)).status == 404
