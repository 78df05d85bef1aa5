"""Files of secrets: nobody else's, and nothing of them in a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.secret_files import BadSecret, read_secret, text_of


def write(path: Path, raw: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(raw)
    path.chmod(mode)
    return path


def test_a_secret_is_without_the_lines_end(tmp_path: Path) -> None:
    """Editors write one; the text as a whole keeps it."""
    path = write(tmp_path / "token", b" abc\n")
    assert read_secret(path) == "abc"
    assert text_of(path) == " abc\n"


@pytest.mark.parametrize(
    ("raw", "mode", "why"),
    [
        (b"hidden", 0o640, "others may read it; chmod 600"),
        (b"hidden", 0o604, "others may read it; chmod 600"),
        (b"hidden\xff", 0o600, "UnicodeDecodeError"),
        (b" \n", 0o600, "is empty"),
    ],
)
def test_a_file_that_is_no_secret(tmp_path: Path, raw: bytes, mode: int, why: str) -> None:
    """The message names the file and what to do, and quotes nothing."""
    path = write(tmp_path / "token", raw, mode)
    with pytest.raises(BadSecret, match=why) as bad:
        read_secret(path)
    assert str(path) in str(bad.value)
    assert "hidden" not in str(bad.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(BadSecret, match="token: FileNotFoundError"):
        read_secret(tmp_path / "token")


def test_a_token_of_a_header_is_ascii(tmp_path: Path) -> None:
    """Whoever asks for ASCII gets nothing else."""
    path = write(tmp_path / "token", "ключ".encode())
    assert read_secret(path) == "ключ"
    with pytest.raises(BadSecret, match="UnicodeDecodeError"):
        read_secret(path, "ascii")
