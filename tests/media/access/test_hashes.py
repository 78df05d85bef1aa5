"""Names that clients compute too."""

from __future__ import annotations

import base64
import hashlib
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from media.access.hashes import device_identity, member_identity, room_name


def test_the_vectors_of_the_msc() -> None:
    """MSC4195 gives one of a room and one of a participant."""
    assert (
        room_name("!roomid:example.com", "slot1234")
        == "O8437W3+jmzMVjoIP3tNwbm+XxHQk2iKpOA7aqw3qSc"
    )
    assert (
        member_identity("@alice:example.com", "DEVICE123", "memberABC")
        == "J+T45tGruxc+HrUOqJJlyQSV33m728Cme4+vt8/SWrU"
    )


def test_both_forms_lead_to_one_room() -> None:
    """The old request names no slot and means the call of the room."""
    assert room_name("!r:school.test") == room_name("!r:school.test", "m.call#ROOM")


def test_the_old_identity_is_readable() -> None:
    """`@user:server:DEVICE`, as clients before Matrix 2.0 expect."""
    assert device_identity("@u1:school.test", "DEV") == "@u1:school.test:DEV"


def test_go_escapes() -> None:
    """lk-jwt-service hashes `<`, `>`, `&` and two line separators as Go's JSON writes them."""
    # SHA-256 of the bytes ["a\\u003cb\\u003e\\u0026\\u2028","s"], worked out apart from the code
    assert room_name("a<b>&\u2028", "s") == "".join(
        _base64_of(rb'["a\u003cb\u003e\u0026\u2028","s"]')
    )


def _base64_of(raw: bytes) -> str:
    return base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


@given(st.lists(st.text(), min_size=3, max_size=3))
def test_as_compact_json_of_others(parts: list[str]) -> None:
    """For ordinary ids it is what JSON.stringify of a browser gives, hashed, without padding."""
    if re.search("[<>&\u2028\u2029]", "".join(parts)) or not _is_utf8("".join(parts)):
        return
    raw = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
    assert member_identity(*parts) == _base64_of(raw)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)
