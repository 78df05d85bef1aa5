"""The file of keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.access.key_file import BadKeyFile, new_line, read_keys
from media.access.tokens import Key

SECRET = "s" * 32


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_keys_in_their_order(tmp_path: Path) -> None:
    """The first signs; comments and empty lines are skipped."""
    text = f"# of 2026\nnew: {SECRET}:x\n\n  old :{SECRET}\n"
    keys = read_keys(written(tmp_path / "keys", text))
    assert keys == (Key("new", SECRET + ":x"), Key("old", SECRET))


def test_a_fresh_line_is_a_key(tmp_path: Path) -> None:
    """What `new_line` makes is read back, and is another one each time."""
    (one,) = read_keys(written(tmp_path / "one", new_line()))
    (two,) = read_keys(written(tmp_path / "two", new_line()))
    assert one != two
    assert len(one.secret) == 64


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "want 1 to 10 keys"),
        ("just-a-secret-without-a-name-of-many-chars\n", ":1: want"),
        (f"na me: {SECRET}\n", ":1: want"),
        (f": {SECRET}\n", ":1: want"),
        ("a: short\n", "shorter than 32"),
        (f"a: {SECRET}\na: {SECRET}\n", ":2: the name is there twice"),
        ("\u0451: " + SECRET, "UnicodeDecodeError"),
        ("".join(f"k{i}: {SECRET}\n" for i in range(11)), "want 1 to 10"),
    ],
)
def test_what_is_no_key(tmp_path: Path, text: str, word: str) -> None:
    """The message names the line, never a secret."""
    with pytest.raises(BadKeyFile) as bad:
        read_keys(written(tmp_path / "keys", text))
    assert word in str(bad.value)
    assert SECRET not in str(bad.value)


def test_others_may_not_read_it(tmp_path: Path) -> None:
    """A key that the machine's other users know is no key; nor one that is not there."""
    with pytest.raises(BadKeyFile, match="chmod 600"):
        read_keys(written(tmp_path / "keys", f"a: {SECRET}", 0o640))
    with pytest.raises(BadKeyFile, match="FileNotFoundError"):
        read_keys(tmp_path / "none")
