"""Names of accounts."""

from __future__ import annotations

import os
import re

from bridge.ids import new_localpart, user_id_of


def test_a_localpart_is_opaque_and_looks_like_no_phone() -> None:
    """docs/contracts.md §4: `u` and 8 characters of base32, all of them random."""
    assert new_localpart(lambda size: b"\0" * size) == "uaaaaaaaa"
    assert user_id_of("uaaaaaaaa", "school.test") == "@uaaaaaaaa:school.test"
    made = {new_localpart(os.urandom) for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"u[a-z2-7]{8}", one) for one in made)
