"""Keys: what they make, what they refuse, where they lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.records import Sealed
from bridge.vault import BadKeyFile, CannotUnseal, FileVault
from tests.bridge.values import VAULT


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_was_sealed_comes_back(plain: bytes, purpose: str) -> None:
    """And the number is not in the sealed bytes."""
    assert VAULT.unseal(VAULT.seal(plain, purpose), purpose) == plain


def test_a_seal_holds_for_one_key_and_one_purpose() -> None:
    """A value moved to another row, or changed by one bit, is not read."""
    sealed = VAULT.seal(b"number", "contact")
    changed = Sealed(sealed[:-1] + bytes([sealed[-1] ^ 1]))

    for vault, value, purpose in (
        (FileVault(b"x" * 32), sealed, "contact"),
        (VAULT, sealed, "challenge"),
        (VAULT, changed, "contact"),
        (VAULT, Sealed(b""), "contact"),
        (VAULT, Sealed(b"\x02" + sealed[1:]), "contact"),
    ):
        with pytest.raises(CannotUnseal):
            vault.unseal(value, purpose)


def test_two_seals_of_one_value_differ() -> None:
    """Nobody sees from the table that two people have one number."""
    assert VAULT.seal(b"number", "contact") != VAULT.seal(b"number", "contact")


def test_a_lookup_needs_the_key() -> None:
    """Without it nobody can try all eleven-digit numbers."""
    here = VAULT.lookup("msisdn:79161234567")

    assert here == VAULT.lookup("msisdn:79161234567")
    assert here != FileVault(b"x" * 32).lookup("msisdn:79161234567")
    assert len({here, VAULT.code_key, VAULT.lookup("email:a")}) == 3


def test_the_key_file_is_made_once_for_us_alone(tmp_path: Path) -> None:
    """A second start reads it; nothing overwrites it."""
    path = tmp_path / "bridge.key"
    made = FileVault.make(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert FileVault.read(path).lookup("x") == made.lookup("x")
    with pytest.raises(FileExistsError):
        FileVault.make(path)


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [("00" * 32, 0o644, "chmod 600"), ("zz", 0o600, "ValueError"), ("00", 0o600, "want 32 bytes")],
)
def test_a_key_file_that_cannot_be_used(tmp_path: Path, content: str, mode: int, why: str) -> None:
    """The message says what to do and quotes no key."""
    path = tmp_path / "bridge.key"
    path.write_text(content)
    path.chmod(mode)

    with pytest.raises(BadKeyFile, match=why) as error:
        FileVault.read(path)
    assert "0000" not in str(error.value)


def test_a_vault_prints_no_key() -> None:
    """However it ends up in a log."""
    assert "ssss" not in repr(VAULT)
