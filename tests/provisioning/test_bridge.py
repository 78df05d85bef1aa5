"""What the command line tells the bridge of a school's lists."""

from __future__ import annotations

import json

import httpx
import pytest
from attrs import evolve

from bridge.listed import listing_of as read_by_the_bridge
from bridge.listed import parse_listing
from provisioning.bridge import Bridge, BridgeUnreachable, NotThisMachine, listing_of
from provisioning.contact import Email
from provisioning.refusals import NotAllowed, NotFound, Refusal
from provisioning.roster import Group, Roster
from provisioning.sample import generate

ROSTER = generate(1, 60)


def bridge(answer: httpx.Response, seen: list[httpx.Request] | None = None) -> Bridge:
    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return answer

    return Bridge.connect("http://127.0.0.1:8090", "t" * 64, transport=httpx.MockTransport(handle))


def test_the_bridge_reads_what_we_say() -> None:
    """Both programs make the same of one roster: groups, numbers, every phone and e-mail."""
    assert parse_listing(listing_of(ROSTER)) == read_by_the_bridge(ROSTER)


def test_only_groups_that_the_files_cover_are_said() -> None:
    """A file of pupils says nothing of parents: their contacts stay as they are."""
    pupils: Roster = evolve(ROSTER, covers=frozenset({Group.STUDENT}))
    said = listing_of(pupils)
    assert said["groups"] == ["student"]
    assert {one["group"] for one in said["contacts"]} == {"student"}
    assert parse_listing(said) == read_by_the_bridge(pupils)


def test_an_address_that_no_mail_reaches_is_left_out() -> None:
    """One strange e-mail must not keep a thousand parents from being recognised."""
    first = evolve(ROSTER.people[0], email=Email("anna@" + "д" * 70 + ".рф"), phone=None)
    people = (first, *ROSTER.people[1:])
    said = listing_of(evolve(ROSTER, people=people))
    assert first.source_id not in {one["source_id"] for one in said["contacts"]}
    assert parse_listing(said) == read_by_the_bridge(evolve(ROSTER, people=people))


def test_the_school_stands_in_the_address() -> None:
    """PUT, the token in the header, the count out of the answer."""
    seen: list[httpx.Request] = []
    told = bridge(httpx.Response(200, json={"listed": 86}), seen)
    assert told.list_contacts("school 86", ROSTER) == 86
    (request,) = seen
    assert request.method == "PUT"
    assert request.url.raw_path == b"/service/orgs/school%2086/listed-contacts"
    assert request.headers["Authorization"] == "Bearer " + "t" * 64
    assert json.loads(request.content)["source"] == ROSTER.source


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (httpx.Response(404, json={"errcode": "M_NOT_FOUND"}), NotFound),
        (httpx.Response(401, json={"errcode": "M_UNKNOWN_TOKEN"}), NotAllowed),
        (httpx.Response(502, text="<html>"), BridgeUnreachable),
        (httpx.Response(500, json=[]), Refusal),
    ],
)
def test_a_refusal_has_its_sentence(answer: httpx.Response, refusal: type[Refusal]) -> None:
    """A school that is not there, a wrong token, another server behind the port."""
    with pytest.raises(refusal) as found:
        bridge(answer).list_contacts("school86", ROSTER)
    assert found.value.sentence("ru") != found.value.sentence("en")


def test_nobody_listens() -> None:
    """The sentence names the option of the bridge's own address."""
    told = Bridge.connect("http://127.0.0.1:1", "t" * 64)
    with pytest.raises(BridgeUnreachable) as found:
        told.list_contacts("school86", ROSTER)
    assert "--bridge" in found.value.sentence("ru")
    told.close()


@pytest.mark.parametrize("url", ["http://school.example", "https://school.example", "127.0.0.1"])
def test_the_token_leaves_this_machine_in_no_case(url: str) -> None:
    """The pages' public address is refused: only the one on this machine answers."""
    with pytest.raises(NotThisMachine):
        Bridge.connect(url, "t" * 64)
