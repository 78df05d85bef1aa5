"""Files of a school as one value, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.roster_files import Bundle, DamagedBundle, pack, shown_name, unpack
from provisioning.readers.files import SourceFile

FILES = st.lists(st.builds(SourceFile, st.text(max_size=40), st.binary(max_size=200)), max_size=5)


@given(FILES, st.text(max_size=9), st.text(max_size=40))
def test_a_bundle_comes_back_as_it_was(
    files: list[SourceFile], school_year: str, school: str
) -> None:
    """Whatever is in the files or their names."""
    bundle = Bundle(files=tuple(files), school_year=school_year, school=school)
    assert unpack(pack(bundle)) == bundle


@given(st.binary(max_size=200))
def test_damage_is_noticed(raw: bytes) -> None:
    """Bytes that nobody packed are refused, never half read."""
    with pytest.raises(DamagedBundle):
        unpack(raw)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ученики.csv", "ученики.csv"),
        ("C:\\Школа\\ученики.csv", "ученики.csv"),
        ("../../etc/passwd", "passwd"),
        ("a\0\n\u202eb.csv", "ab.csv"),
        ("", "?"),
        ("/", "?"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_files_name_is_shown_without_its_folders(name: str, shown: str) -> None:
    """And without signs that would turn a line around or break it."""
    assert shown_name(name) == shown
