"""Bodies of clients: what is read, which field is named."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.access.claims import Leave
from media.access.hashes import device_identity, member_identity, room_name
from media.access.refusals import Refused, Why
from media.access.requests import (
    MOST_BYTES,
    Asked,
    Home,
    parse_delegation,
    parse_get_token,
    parse_sfu_get,
)

HOME = Home("school.test", frozenset({"https://matrix.school.test"}))
OPENID = {
    "access_token": "tok",
    "token_type": "Bearer",
    "matrix_server_name": "school.test",
    "expires_in": 3600,
}
SFU_GET: dict[str, Any] = {"room": "!r:school.test", "openid_token": OPENID, "device_id": "DEV"}
GET_TOKEN: dict[str, Any] = {
    "room_id": "!r:school.test",
    "slot_id": "m.call#ROOM",
    "openid_token": OPENID,
    "member": {"id": "m1", "claimed_user_id": "@u1:school.test", "claimed_device_id": "DEV"},
}
DELAY: dict[str, Any] = {
    "delay_id": "syd_abc",
    "delay_timeout": 3_600_000,
    "delay_cs_api_url": "https://matrix.school.test/",
}
PARSERS = {"sfu_get": parse_sfu_get, "get_token": parse_get_token, "delegation": parse_delegation}
BODIES = {"sfu_get": SFU_GET, "get_token": GET_TOKEN, "delegation": {**GET_TOKEN, **DELAY}}


def parse(form: str, body: Any) -> Asked | Refused:
    return PARSERS[form](json.dumps(body).encode(), HOME)


def test_the_old_form() -> None:
    """Claims nobody; identity is the device's, room is the room's call."""
    asked = parse("sfu_get", SFU_GET)
    assert isinstance(asked, Asked)
    assert (asked.user_id, asked.leave) == ("", None)
    assert asked.room == room_name("!r:school.test")
    assert asked.identity("@u1:school.test") == device_identity("@u1:school.test", "DEV")


def test_the_new_form() -> None:
    """Identity is the hash over the member."""
    asked = parse("get_token", GET_TOKEN)
    assert isinstance(asked, Asked)
    assert asked.user_id == "@u1:school.test"
    assert asked.identity(asked.user_id) == member_identity("@u1:school.test", "DEV", "m1")


@pytest.mark.parametrize("form", PARSERS)
def test_a_delayed_leave(form: str) -> None:
    """Read in every form, also without the address, which newer drafts have not."""
    without = {name: value for name, value in DELAY.items() if name != "delay_cs_api_url"}
    for delay in (DELAY, without):
        asked = parse(form, {**BODIES[form], "delay_cs_api_url": "", **delay})
        assert isinstance(asked, Asked)
        assert asked.leave == Leave("syd_abc", 3_600_000)


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"delay_id": ""}, "delay_id"),
        ({"delay_id": 5}, "delay_id"),
        ({"delay_timeout": 0}, "delay_timeout"),
        ({"delay_timeout": True}, "delay_timeout"),
        ({"delay_timeout": 18000.5}, "delay_timeout"),
        ({"delay_timeout": 10**20}, "delay_timeout"),
        ({"delay_cs_api_url": "http://169.254.169.254/latest"}, "delay_cs_api_url"),
        ({"delay_cs_api_url": "https://evil.example/"}, "delay_cs_api_url"),
        ({"delay_cs_api_url": "https://matrix.school.test.evil.example"}, "delay_cs_api_url"),
        ({"delay_cs_api_url": "https://matrix.school.test@evil.example"}, "delay_cs_api_url"),
        ({"delay_cs_api_url": ["https://matrix.school.test"]}, "delay_cs_api_url"),
        ({"openid_token": {**OPENID, "matrix_server_name": "other.test"}}, "delay_id"),
    ],
)
@pytest.mark.parametrize("form", PARSERS)
def test_a_delayed_leave_that_is_not_ours_to_send(form: str, change: Any, at: str) -> None:
    """400 M_BAD_JSON with the field: Element Call then asks again without it. No foreign address is ever used."""
    refused = parse(form, {**BODIES[form], **DELAY, **change})
    assert refused == Refused(Why.BAD_FIELD, at)
    assert refused.body["errcode"] == "M_BAD_JSON"


def test_a_delegation_has_a_delayed_leave() -> None:
    """Else there is nothing to take over."""
    assert parse("delegation", GET_TOKEN) == Refused(Why.BAD_FIELD, "delay_id")


FIELDS = {
    "sfu_get": [
        "room",
        "device_id",
        "openid_token.access_token",
        "openid_token.matrix_server_name",
    ],
    "get_token": [
        "room_id",
        "slot_id",
        "openid_token",
        "openid_token.access_token",
        "openid_token.matrix_server_name",
        "member",
        "member.id",
        "member.claimed_user_id",
        "member.claimed_device_id",
    ],
}


@pytest.mark.parametrize(("form", "at"), [(form, at) for form in FIELDS for at in FIELDS[form]])
@pytest.mark.parametrize("bad", [None, "", 7, [], {}, "\ud800", "x" * 2000])
def test_the_wrong_field_is_named(form: str, at: str, bad: Any) -> None:
    """Missing, empty, of another kind, half a character, too long: the answer names it and repeats nothing."""
    body = copy.deepcopy(BODIES[form])
    *parents, name = at.split(".")
    inner = body
    for parent in parents:
        inner = inner[parent]
    if bad is None:
        del inner[name]
    else:
        inner[name] = bad
    refused = parse(form, body)
    assert isinstance(refused, Refused)
    assert refused.why is Why.BAD_FIELD
    assert refused.at == at or refused.at.startswith(at + ".")
    assert refused.status == 400


@pytest.mark.parametrize(
    ("form", "change", "at"),
    [
        ("sfu_get", {"room": "#alias:school.test"}, "room"),
        ("sfu_get", {"room": "!"}, "room"),
        ("get_token", {"room_id": "@u:school.test"}, "room_id"),
        ("get_token", {"slot_id": "m.call#secret"}, "slot_id"),
        ("get_token", {"slot_id": "org.other#ROOM"}, "slot_id"),
    ],
)
def test_ids_of_another_kind(form: str, change: Any, at: str) -> None:
    """A room's id only, and its one call: in another slot no host would see what goes on."""
    assert parse(form, {**BODIES[form], **change}) == Refused(Why.BAD_FIELD, at)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", Why.NOT_JSON),
        (b"[]", Why.NOT_JSON),
        (b"null", Why.NOT_JSON),
        (b"\xff\xfe", Why.NOT_JSON),
        (b"{", Why.NOT_JSON),
        (b"[" * 10_000, Why.NOT_JSON),
        (b" " * (MOST_BYTES + 1), Why.TOO_LARGE),
        (b"{}", Why.BAD_FIELD),
    ],
)
@pytest.mark.parametrize("form", PARSERS)
def test_bodies_that_are_none(form: str, raw: bytes, why: Why) -> None:
    """Each with its reason."""
    refused = PARSERS[form](raw, HOME)
    assert isinstance(refused, Refused)
    assert refused.why is why


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = sorted({*SFU_GET, *GET_TOKEN, *DELAY})


@given(st.sampled_from(sorted(PARSERS)), st.dictionaries(st.sampled_from(NAMES), JSON))
def test_any_object_is_answered(form: str, changes: dict[str, Any]) -> None:
    """A value or a refusal that can be written as JSON, never an exception."""
    found = parse(form, {**BODIES[form], **changes})
    if isinstance(found, Refused):
        json.dumps(found.body)
    else:
        assert found.room
        assert found.identity("@u1:school.test")


@given(st.sampled_from(sorted(PARSERS)), st.binary(max_size=200))
def test_any_bytes_are_answered(form: str, raw: bytes) -> None:
    """Never an exception."""
    assert isinstance(PARSERS[form](raw, HOME), Refused)


def test_nothing_personal_is_printed() -> None:
    """Neither token nor ids of people and devices nor the delayed event."""
    text = repr(parse("delegation", BODIES["delegation"]))
    for word in ("tok'", "@u1", "DEV", "m1", "syd_abc"):
        assert word not in text
