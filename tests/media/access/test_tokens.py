"""Tokens: ours, LiveKit's own library's, and those that open nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from livekit import api

from media.access.claims import EVERYTHING, Claims, Leave, Member, Source
from media.access.tokens import LEEWAY_S, LIVES_S, BadToken, Key, mint, verify
from media.ids import Identity, RoomName
from tests.media.access.world import real_now

OLD, NEW = Key("old", "o" * 64), Key("new", "n" * 64)
NOW = 1_800_000_000.0
ROOM = RoomName("R" * 43)

PUPIL = Claims(
    identity=Identity("@u1:school.test:DEV"),
    room=ROOM,
    join=True,
    sources=frozenset({Source.CAMERA, Source.MICROPHONE}),
    can_update_own_metadata=True,
    member=Member(
        room_id="!r:school.test",
        user_id="@u1:school.test",
        org_id="s86",
        roles=frozenset({"student"}),
        muted_on_entry=True,
        may_start=False,
        waits=True,
        one_share=False,
        limit=30,
        leave=Leave("syd_abc", 3_600_000),
    ),
)

CASES = [
    PUPIL,
    evolve(PUPIL, sources=frozenset(), hidden=True, can_subscribe=False, can_publish_data=False),
    evolve(PUPIL, sources=EVERYTHING, member=None, name="n", metadata="m", attributes={"a": "b"}),
    Claims(admin=True, room=ROOM, create=True, list_rooms=True, sha256="abc="),
]


@pytest.mark.parametrize("claims", CASES)
def test_what_is_minted_is_read_back(claims: Claims) -> None:
    """Every claim, and when it ends."""
    assert verify(mint(claims, [NEW], NOW), [OLD, NEW], NOW) == evolve(
        claims, expires_at=NOW + LIVES_S
    )


def test_livekit_reads_ours() -> None:
    """Its own verifier sees the identity, the room and what may be published."""
    claims = api.TokenVerifier(NEW.name, NEW.secret).verify(mint(PUPIL, [NEW], real_now()))
    assert claims.identity == PUPIL.identity
    video = claims.video
    assert video is not None
    assert (video.room, video.room_join, video.room_create) == (ROOM, True, False)
    assert video.can_publish_sources == ["camera", "microphone"]
    assert video.can_update_own_metadata is True
    assert not video.room_admin


def test_we_read_livekits() -> None:
    """A token of livekit-api for a participant: what it does not say has LiveKit's defaults."""
    token = (
        api.AccessToken(NEW.name, NEW.secret)
        .with_identity("ann")
        .with_name("Ann")
        .with_metadata("{}")
        .with_attributes({"a": "1"})
        .with_grants(api.VideoGrants(room_join=True, room="r1", can_publish_sources=["microphone"]))
        .to_jwt()
    )
    claims = verify(token, [NEW], real_now())
    assert isinstance(claims, Claims)
    assert claims.may_join
    assert (claims.identity, claims.room, claims.name) == ("ann", "r1", "Ann")
    assert claims.sources == {Source.MICROPHONE}
    assert (claims.can_subscribe, claims.can_publish_data, claims.member) == (True, True, None)
    assert claims.attributes == {"a": "1"}


def test_a_services_grants() -> None:
    """roomAdmin is for its room only, roomCreate and roomList for all; nobody joins with them."""
    token = (
        api.AccessToken(NEW.name, NEW.secret)
        .with_grants(api.VideoGrants(room_admin=True, room_create=True, room_list=True, room="r1"))
        .to_jwt()
    )
    claims = verify(token, [NEW], real_now())
    assert isinstance(claims, Claims)
    assert (claims.create, claims.list_rooms, claims.may_join) == (True, True, False)
    assert claims.may_administer(RoomName("r1"))
    assert not claims.may_administer(RoomName("r2"))
    assert not evolve(claims, room=RoomName("")).may_administer(RoomName(""))


def test_a_participants_token_is_no_services() -> None:
    """Whoever enters a call cannot administer it with the same token."""
    claims = verify(mint(PUPIL, [NEW], NOW), [NEW], NOW)
    assert isinstance(claims, Claims)
    assert not claims.may_administer(ROOM)
    assert (claims.create, claims.list_rooms) == (False, False)


@pytest.mark.parametrize(
    ("later_s", "expected"),
    [
        (0, None),
        (-LEEWAY_S, None),
        (-LEEWAY_S - 1, BadToken.TOO_EARLY),
        (LIVES_S + LEEWAY_S, None),
        (LIVES_S + LEEWAY_S + 1, BadToken.EXPIRED),
    ],
)
def test_time(later_s: float, expected: BadToken | None) -> None:
    """An hour, and a minute for clocks that differ."""
    found = verify(mint(PUPIL, [NEW], NOW), [NEW], NOW + later_s)
    assert found is expected if expected else isinstance(found, Claims)


def test_keys_are_changed_without_ending_calls() -> None:
    """Tokens of the earlier key hold as long as it is in the list, new ones are of the first."""
    earlier = mint(PUPIL, [OLD], NOW)
    assert isinstance(verify(earlier, [NEW, OLD], NOW), Claims)
    assert verify(earlier, [NEW], NOW) is BadToken.UNKNOWN_KEY
    assert (
        jwt.decode(mint(PUPIL, [NEW, OLD], NOW), options={"verify_signature": False})["iss"]
        == "new"
    )


def signed(payload: dict[str, Any], algorithm: str = "HS256", secret: str = NEW.secret) -> str:
    return jwt.encode(payload, secret, algorithm)


GOOD = {"iss": "new", "exp": NOW + 10}


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("", BadToken.MALFORMED),
        ("a.b.c", BadToken.MALFORMED),
        ("é.b.c", BadToken.MALFORMED),
        ("a" * 20_000, BadToken.MALFORMED),
        (signed(GOOD, secret=OLD.secret), BadToken.FORGED),
        (signed(GOOD, "HS512"), BadToken.FORGED),
        (jwt.encode(GOOD, "", "none"), BadToken.FORGED),
        (signed({"exp": NOW + 10}), BadToken.UNKNOWN_KEY),
        (signed({**GOOD, "iss": "other"}), BadToken.UNKNOWN_KEY),
        (signed({"iss": "new"}), BadToken.MALFORMED),
        (signed({**GOOD, "exp": "soon"}), BadToken.MALFORMED),
        (signed({**GOOD, "exp": "nan"}), BadToken.EXPIRED),
        (signed({**GOOD, "nbf": []}), BadToken.MALFORMED),
        (signed({**GOOD, "sub": "x", "video": []}), BadToken.MALFORMED),
        (signed({**GOOD, "video": {"roomJoin": "yes"}}), BadToken.MALFORMED),
        (signed({**GOOD, "video": {"room": 1}}), BadToken.MALFORMED),
        (signed({**GOOD, "video": {"canPublishSources": "camera"}}), BadToken.MALFORMED),
        (signed({**GOOD, "attributes": {"a": 1}}), BadToken.MALFORMED),
        (signed({**GOOD, "sferum": {"host": 1}}), BadToken.MALFORMED),
        (signed({**GOOD, "sferum": {"leave": {"id": 1}}}), BadToken.MALFORMED),
    ],
)
def test_tokens_that_open_nothing(token: str, expected: BadToken) -> None:
    """Each with its reason, none with an exception."""
    assert verify(token, [NEW], NOW) is expected


def test_no_algorithm_of_the_tokens_own_choice() -> None:
    """`alg: none` with our claims and no signature is forged."""
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps(GOOD).encode()).decode().rstrip("=")
    assert verify(f"{head}.{body}.", [NEW], NOW) is BadToken.FORGED


@pytest.mark.parametrize(
    ("video", "sources"),
    [({}, EVERYTHING), ({"canPublish": True}, EVERYTHING), ({"canPublish": False}, frozenset())],
)
def test_what_is_not_said_is_allowed(video: dict[str, Any], sources: frozenset[Source]) -> None:
    """LiveKit's rule for participants: whoever's token says nothing of publishing publishes everything."""
    claims = verify(signed({**GOOD, "video": video}), [NEW], NOW)
    assert isinstance(claims, Claims)
    assert claims.sources == sources


def test_sources_of_a_newer_livekit() -> None:
    """A list of sources that we do not know allows none of them: the list is not empty."""
    claims = verify(signed({**GOOD, "video": {"canPublishSources": ["hologram"]}}), [NEW], NOW)
    assert isinstance(claims, Claims)
    assert claims.sources == frozenset()


def test_nothing_personal_is_printed() -> None:
    """A claim in a log line shows no user id, no name, no delayed event, no secret."""
    text = repr(evolve(PUPIL, name="Иванов Пётр", metadata="личное")) + repr(NEW)
    for word in ("@u1", "syd_abc", "Иванов", "личное", NEW.secret):
        assert word not in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(["exp", "nbf", "sub", "video", "sferum", "attributes"]), JSON),
    st.dictionaries(st.sampled_from(["room", "roomJoin", "canPublishSources", "leave"]), JSON),
)
def test_any_signed_payload_is_answered(payload: dict[str, Any], inner: dict[str, Any]) -> None:
    """A program with the key may write anything: never an exception."""
    for name in ("video", "sferum"):
        assert isinstance(
            verify(signed({**GOOD, **payload, name: inner}), [NEW], NOW), Claims | BadToken
        )


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_answered(token: str) -> None:
    """Never an exception, never a claim."""
    assert isinstance(verify(token, [NEW], NOW), BadToken)
