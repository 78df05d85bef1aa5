"""Signing, checking and publishing a register; the clock comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provisioning.district import draft as drafts
from provisioning.district import refusals, signing
from provisioning.district.draft import Draft
from provisioning.district.folder import LARGEST, Folder, pretty, read_json, replace
from provisioning.district.judging import Issued


def sign(folder: Folder, now_s: int, days: int) -> dict[str, Any]:
    """The register as the draft is now, with the next serial.

    The serial is used up before the signature exists: no serial is ever signed twice with other contents.

    Raises:
        NoRegister, NoSigningKey, TooMany.
    """
    before = folder.read()
    key = folder.signing_key(before)
    after, document = drafts.issued(before, now_s, days)
    signed = signing.signed(document, key)
    data = pretty(signed)
    if len(data) > LARGEST:
        raise refusals.TooMany(f"{len(data)} > {LARGEST}")
    folder.write(after)
    replace(folder.register, data)
    return signed


def publish(folder: Folder, target: Path, now_s: int) -> dict[str, Any]:
    """Put the last one signed where a web server serves it.

    Raises:
        NotSigned, Stale, Unreadable: it is not one that a school would believe.
        Unsigned: the draft has changed since.
        Older: at `target` there is a newer one.
    """
    held = folder.read()
    document = verified(folder.register, held.district, held.operator_keys[0].key, now_s)
    if any(document.get(name) != value for name, value in drafts.contents(held).items()):
        raise refusals.Unsigned
    if target.exists():
        there = read_json(target).get("serial")
        if isinstance(there, int) and there > document["serial"]:
            raise refusals.Older(str(target))
    replace(target, pretty(document))
    target.chmod(0o644)
    return document


def last_issued(folder: Folder, draft: Draft) -> Issued:
    """The last register signed, in time or not.

    Raises:
        NotSigned, Unreadable: there is none, or it is not the operator's.
    """
    document = read_json(folder.register)
    if not signing.is_signed(document, draft.district, draft.operator_keys[0].key):
        raise refusals.NotSigned(str(folder.register))
    serial, issued_s, expires_s = (document.get(part) for part in ("serial", "issued", "expires"))
    if not (isinstance(serial, int) and isinstance(issued_s, int) and isinstance(expires_s, int)):
        raise refusals.Unreadable(str(folder.register))
    now_meant = drafts.contents(draft).items()
    return Issued(
        serial=serial,
        issued_s=issued_s,
        expires_s=expires_s,
        changed=any(document.get(name) != value for name, value in now_meant),
    )


def verified(file: Path, district: str, key: str, now_s: int) -> dict[str, Any]:
    """A register that a school would believe which trusts `key` (base64).

    Raises:
        NotSigned, Stale, Unreadable.
    """
    document = read_json(file)
    if not signing.is_signed(document, district, key):
        raise refusals.NotSigned(str(file))
    serial, expires, schools = (document.get(part) for part in ("serial", "expires", "schools"))
    if not (isinstance(serial, int) and isinstance(expires, int) and isinstance(schools, list)):
        raise refusals.Unreadable(str(file))
    if expires <= now_s:
        raise refusals.Stale(str(serial))
    return document
