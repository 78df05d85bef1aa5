"""From these pages to a broadcast: a phone or a QR card is enough to watch, and nothing of the session goes along."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from media.broadcast.register.tickets import DESK, Tickets
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.world import Reply, Visitor, World

CALLS = "https://rtc.school.example"


def opened(world: World, reply: Reply, to: str) -> str | None:
    """Whose ticket the calls server finds in an answer."""
    ticket = parse_qs(urlsplit(reply.headers["Location"]).query)["ticket"][0]
    token, now = world.server.service_token, world.clock().timestamp()
    return Tickets().account(ticket, to, [token], now)


async def signed_in(world: World, who: str) -> Visitor:
    """By phone and password, from the link on the calls server's page."""
    visitor = await world.visitor()
    first = await visitor.get("/broadcasts/b1")
    assert (first.status, first.headers["Location"]) == (303, "/signin?next=%2Fbroadcasts%2Fb1")
    there = await visitor.post(
        "/signin", login=world.phone(who), password=PASSWORD, next="/broadcasts/b1"
    )
    assert (there.status, there.headers["Location"]) == (303, "/broadcasts/b1")
    return visitor


async def test_a_parent_with_a_phone_goes_on_to_the_broadcast(world: World) -> None:
    """One sign-in, then a ticket of this account for this broadcast; nothing of the session is in the address."""
    await world.let_in("R1")
    visitor = await signed_in(world, "R1")
    reply = await visitor.get("/broadcasts/b1")
    assert reply.status == 303
    assert reply.headers["Location"].startswith(f"{CALLS}/watch/b1?ticket=")
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert reply.headers["Cache-Control"] == "no-store"
    assert visitor.token not in reply.headers["Location"]
    assert opened(world, reply, "b1") == (await world.account("R1")).user_id
    assert opened(world, reply, "b2") is None
    again = await visitor.get("/broadcasts/b1")
    assert again.headers["Location"] != reply.headers["Location"]


async def test_hosts_go_on_to_their_page(world: World) -> None:
    """Heads and class teachers see the link; staff may follow it, a parent has no such page."""
    await world.let_in("T1", "R1")
    teacher = await world.visitor("T1")
    assert "Открыть трансляции" in (await teacher.get("/clients")).text
    reply = await teacher.get("/broadcasts")
    assert reply.headers["Location"].startswith(f"{CALLS}/broadcasts?ticket=")
    assert opened(world, reply, DESK) == (await world.account("T1")).user_id
    parent = await world.visitor("R1")
    assert (await parent.get("/broadcasts")).status == 404
    assert "Открыть трансляции" not in (await parent.get("/clients")).text


async def test_no_ticket_for_anything_else(world: World) -> None:
    """A name that no broadcast has is no page; whoever waits for a yes is told so."""
    await world.let_in("R1")
    visitor = await world.visitor("R1")
    assert (await visitor.get("/broadcasts/a%2F..%2Fb")).status == 404
    assert (await visitor.get("/broadcasts/" + "a" * 65)).status == 404
