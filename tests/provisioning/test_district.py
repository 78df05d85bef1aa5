"""`sferum district` as the operator of a district meets it; what it signs, a school's module believes."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from provisioning.cli import main
from provisioning.district import draft as drafts
from provisioning.district import folder, refusals, signing
from provisioning.district.folder import Folder
from synapse_sferum.district import canonical
from synapse_sferum.district import register as module_register
from synapse_sferum.district.force import peers
from synapse_sferum.district.refusals import BadRegister
from synapse_sferum.district.register import Register
from synapse_sferum.district.settings import district_settings
from synapse_sferum.district.signed import verified

Run = Callable[..., int]

DISTRICT = "district-56.example"
KEY = "ed25519:a_test=" + "A" * 43
A, B, C = "school86.example", "school12.example:8448", "lyceum3.example"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call it with arguments, in an empty folder, in Russian."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    monkeypatch.delenv("SFERUM_DISTRICT", raising=False)
    return lambda *argv: main(["district", *argv])


@pytest.fixture
def begun(run: Run) -> Run:
    """A district of two schools, not signed yet."""
    assert run("init", DISTRICT, "Управление образования") == 0
    for server in (A, B):
        assert run("add-school", server, "Школа", "--contact", "office@s", "--key", KEY) == 0
    return run


def first_key() -> bytes:
    return signing.from_base64(Folder(Path("district")).read().operator_keys[0].key)


def believed(path: str = "web.json", anchor: bytes | None = None) -> Register:
    """What a school's module makes of a published file."""
    data = Path(path).read_bytes()
    return verified(data, district=DISTRICT, anchor=anchor or first_key())


def test_from_nothing_to_a_register_that_schools_believe(
    begun: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """init, add-school, sign, publish: the module believes the file, and the two schools meet."""
    assert begun("sign") == 0
    assert begun("publish", "web.json") == 0
    register = believed()
    assert (register.serial, set(register.schools)) == (1, {A, B})
    now_s = register.issued_s
    assert set(peers(register, A, now_s)) == {B}
    assert peers(register, A, now_s)[B].role_pairs == {("staff", "staff")}
    assert register.expires_s - now_s == 30 * 86_400
    assert "действует до" in capsys.readouterr().out


def test_what_a_school_writes_down(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """init prints the four options as homeserver.yaml wants them, and the module takes them so."""
    assert run("init", DISTRICT, "Управление образования") == 0
    lines = capsys.readouterr().out.splitlines()
    shown = yaml.safe_load("\n".join(line for line in lines if line.startswith("      ")))
    settings = district_settings(*(str(value) for value in shown.values()))
    assert list(shown) == ["district", "district_url", "district_key", "district_cache_path"]
    assert settings is not None
    assert settings.key == first_key()


def test_secrets_are_the_owner_s_alone(begun: Run) -> None:
    """The folder and the key are closed to others; the published file is open to the web server."""
    assert begun("sign") == 0
    assert begun("publish", "web.json") == 0
    assert stat.S_IMODE(Path("district").stat().st_mode) == 0o700
    assert stat.S_IMODE(Path("district/operator-1.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(Path("web.json").stat().st_mode) == 0o644
    secret = Path("district/operator-1.key").read_text().strip()
    for path in ("web.json", "district/register.json", "district/district.json"):
        assert secret not in Path(path).read_text()


def test_removing_and_isolating(begun: Run) -> None:
    """A school taken out is gone from the next register; one cut off stays in it, and meets nobody."""
    assert begun("add-school", C, "Лицей", "--contact", "x", "--key", KEY) == 0
    assert begun("remove-school", B) == 0
    assert begun("isolate", C, "--publish", "web.json") == 0
    register = believed()
    assert set(register.schools) == {A, C}
    assert register.schools[C].isolated
    assert peers(register, A, register.issued_s) == {}
    assert begun("isolate", C, "--off", "--publish", "web.json") == 0
    register = believed()
    assert set(peers(register, A, register.issued_s)) == {C}


def test_an_entry_written_anew_stays_cut_off(begun: Run) -> None:
    """Whoever replaces the keys of a school that is cut off does not let it in by the way."""
    assert begun("isolate", B) == 0
    assert begun("add-school", B, "Школа", "--contact", "x", "--key", KEY) == 0
    assert Folder(Path("district")).read().schools[B].isolated


def test_pairs(begun: Run) -> None:
    """Exactly the pairs given; pupils only beside staff."""
    assert begun("pairs", "teacher:teacher", "teacher:student", "teacher:teacher") == 0
    assert begun("sign") == 0
    assert begun("publish", "web.json") == 0
    assert believed().pairs == {("teacher", "teacher"), ("student", "teacher")}
    assert begun("pairs", "student:student") == 3
    assert begun("pairs", "teacher") == 3
    assert begun("pairs") == 0
    assert Folder(Path("district")).read().pairs == ()


def test_rooms_of_several_schools(begun: Run) -> None:
    """A room goes into the register with its maker, roles and subject, is written anew under its name, and goes again;
    pupils have none, and a maker outside the register makes none.
    """
    heads = ("add-room", "heads", "Директора", "--host", A, "--members", "director")
    assert begun(*heads, "--writers", "director") == 0
    maths = ("add-room", "maths", "Математика", "--host", B, "--members", "teacher")
    assert begun(*maths) == 0
    assert begun(*maths, "--writers", "teacher", "--subject", "  Высшая   Математика ") == 0
    assert begun("sign") == 0
    assert begun("publish", "web.json") == 0
    found = {room.ref: room for room in believed().rooms}
    assert [found["heads"].host, found["maths"].host] == [A, B]
    assert found["maths"].subject == "высшая математика"
    assert found["maths"].members == found["maths"].writers == {"teacher"}
    assert begun("remove-room", "heads") == 0
    assert [room["ref"] for room in Folder(Path("district")).read().rooms] == ["maths"]
    for argv in (
        ("remove-room", "heads"),
        ("add-room", "x", "X", "--host", C, "--members", "staff"),
        ("add-room", "x", "X", "--host", A, "--members", "student"),
        ("add-room", "X", "X", "--host", A, "--members", "staff"),
        ("add-room", "x", "", "--host", A, "--members", "staff"),
        ("add-room", "x", "X", "--host", A, "--members", "staff", "--subject", "я" * 61),
    ):
        assert begun(*argv) == 3, argv


def test_a_new_key(begun: Run) -> None:
    """After rotate-key a school that knows the first key follows to the second, and one that followed stays there."""
    assert begun("sign") == 0
    assert begun("publish", "web.json") == 0
    old = Path("web.json").read_bytes()
    anchor = first_key()
    assert begun("rotate-key") == 0
    assert begun("publish", "web.json") == 3  # not signed yet
    assert begun("sign") == 0
    assert begun("publish", "web.json") == 0
    register = believed(anchor=anchor)
    assert len(register.operator_keys) == 2
    with pytest.raises(BadRegister, match="key_chain"):
        verified(old, district=DISTRICT, anchor=register.operator_keys[-1])
    Path("district/operator-1.key").unlink()
    assert begun("sign") == 0
    assert begun("verify", "district/register.json") == 0


def test_a_change_of_keys_cut_short(begun: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between the new key's file and the register: the same command goes on with the same key."""

    def crash(folder: Folder, draft: drafts.Draft) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "write", crash)
        assert begun("rotate-key") == 130
    kept = Path("district/operator-2.key").read_text()
    assert begun("sign") == 0  # the first key still signs
    assert begun("rotate-key") == 0
    assert Path("district/operator-2.key").read_text() == kept
    assert begun("sign") == 0


def test_no_serial_is_signed_twice(begun: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash while signing uses the serial up: schools never see one serial with two contents."""

    def crash(path: Path, data: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("provisioning.district.issuing.replace", crash)
        assert begun("sign") == 130
    assert not Path("district/register.json").exists()
    assert begun("sign") == 0
    assert json.loads(Path("district/register.json").read_text())["serial"] == 2


def test_publishing_what_is_not_meant(begun: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Unsigned changes, an older register than the one published, and a spoilt file are not published."""
    assert begun("publish", "web.json") == 3
    assert begun("sign") == 0
    first = Path("district/register.json").read_text()
    assert begun("remove-school", B) == 0
    assert begun("publish", "web.json") == 3
    assert "неподписанные изменения" in capsys.readouterr().err
    assert begun("sign") == 0
    assert begun("publish", "web.json") == 0
    Path("district/register.json").write_text(first)
    assert begun("publish", "web.json") == 3
    Path("district/register.json").write_text(first.replace(A, "evil.example"))
    assert begun("publish", "web.json") == 3
    assert "подпись не этого округа" in capsys.readouterr().err
    Path("web.json").write_text(json.dumps({"serial": 99}))
    assert begun("sign") == 0
    assert begun("publish", "web.json") == 3
    assert "новее" in capsys.readouterr().err


def test_checking_as_a_school(begun: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """verify needs no folder with key and district, and fails for another key, another district and after the end."""
    assert begun("sign", "--days", "1") == 0
    key = f"ed25519:{signing.to_base64(first_key())}"
    path = "district/register.json"
    elsewhere = ("--dir", "nowhere", "--district", DISTRICT)
    assert begun("verify", path, "--key", key, *elsewhere) == 0
    assert "подпись верна" in capsys.readouterr().out
    assert begun("verify", path, "--key", "A" * 43, *elsewhere) == 3
    assert begun("verify", path, "--key", key, "--district", "other.example") == 3
    assert begun("verify", path, "--dir", "nowhere") == 3
    for spoilt in (b"", b"[]", b"\xff", b"[" * 100_000, b" " * 1_000_001):
        Path("spoilt.json").write_bytes(spoilt)
        assert begun("verify", "spoilt.json") == 3
    document = drafts.issued(Folder(Path("district")).read(), 1, 1)[1]
    signed = signing.signed(
        document, Folder(Path("district")).signing_key(Folder(Path("district")).read())
    )
    Path("old.json").write_text(json.dumps(signed))
    capsys.readouterr()
    assert begun("verify", "old.json") == 3
    assert "прошёл" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ("init", "District", "Имя"),
        ("init", DISTRICT, ""),
        ("add-school", "School.example", "Имя", "--contact", "x", "--key", KEY),
        ("add-school", A, "", "--contact", "x", "--key", KEY),
        ("add-school", A, "Имя", "--contact", "x\ny", "--key", KEY),
        ("add-school", A, "Имя", "--contact", "x", "--key", "ed25519:a=short"),
        ("add-school", A, "Имя", "--contact", "x", "--key", KEY[:-1] + "B"),
        ("remove-school", A),
        ("isolate", A),
        ("sign",),
        ("publish", "web.json"),
        ("rotate-key",),
    ],
    ids=str,
)
def test_refusals_say_what_to_do(
    run: Run, argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """What every school would refuse is refused here, in one sentence and with exit code 3; nothing is begun by it."""
    assert run(*argv) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not Path("district/district.json").exists()


def test_a_district_is_begun_once(begun: Run) -> None:
    """A second init changes nothing: schools already believe the first key."""
    before = Path("district/operator-1.key").read_text()
    assert begun("init", DISTRICT, "Другое") == 3
    assert Path("district/operator-1.key").read_text() == before


def test_a_lost_key(begun: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the key's file, or with another's, nothing is signed."""
    path = Path("district/operator-1.key")
    for text in ("", "A" * 43 + "\n"):
        path.write_text(text)
        assert begun("sign") == 3
        assert "operator-1.key" in capsys.readouterr().err
    path.unlink()
    assert begun("rotate-key") == 3


def test_sentences_in_both_languages() -> None:
    """Every refusal has a sentence in Russian and in English with its subject filled in."""
    for name, kind in vars(refusals).items():
        if (
            isinstance(kind, type)
            and issubclass(kind, refusals.RegisterRefused)
            and name != "RegisterRefused"
        ):
            ru, en = kind("X").sentence("ru"), kind("X").sentence("en")
            assert ru != en
            assert "{" not in ru + en


# --- any course of commands

SERVERS = st.sampled_from([A, B, C])
CHANGES: dict[str, Callable[[drafts.Draft, str], drafts.Draft]] = {
    "add": lambda draft, name: drafts.with_school(draft, name, "Школа", "office", [KEY]),
    "remove": drafts.without_school,
    "isolate": lambda draft, name: drafts.with_isolation(draft, name, True),
    "admit": lambda draft, name: drafts.with_isolation(draft, name, False),
    "pairs": lambda draft, _: drafts.with_pairs(draft, ["teacher:guardian"]),
    "room": lambda draft, name: drafts.with_room(draft, "r", "Комната", name, ["staff"], []),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), SERVERS), max_size=12))
def test_any_course_of_changes_is_a_register(course: list[tuple[str, str]]) -> None:
    """Whatever an operator does in whatever order: the module believes what is signed, and reads what the draft says;
    and the draft written down and read again is the same.
    """
    key = SigningKey(bytes(32))
    draft = drafts.new_draft(DISTRICT, "Округ", signing.public(key))
    for change, name in course:
        try:
            draft = CHANGES[change](draft, name)
        except refusals.NotInRegister:
            assert name not in draft.schools
    draft, document = drafts.issued(draft, 1_788_240_600, 30)
    data = json.dumps(signing.signed(document, key)).encode()
    register = verified(data, district=DISTRICT, anchor=bytes(key.verify_key))
    assert drafts.read_draft(drafts.contents(draft)) == draft
    assert {name: school.isolated for name, school in register.schools.items()} == {
        name: school.isolated for name, school in draft.schools.items()
    }
    assert register.pairs == set(draft.pairs)
    assert [room.host for room in register.rooms] == [room["host"] for room in draft.rooms]


def test_bounds_are_the_module_s() -> None:
    """What may be written here, a school can read: the same bounds on both sides."""
    ours: dict[str, Any] = vars(drafts)
    for name in (
        "MOST_SCHOOLS",
        "MOST_KEYS",
        "MOST_PAIRS",
        "MOST_OPERATOR_KEYS",
        "MOST_ROOMS",
        "LONGEST_SUBJECT",
        "WORDS",
        "STAFF_WORDS",
        "FORMAT",
    ):
        assert ours[name] == getattr(module_register, name), name
    assert drafts.LONGEST_TEXT == module_register.LONGEST_NAME
    assert drafts.MOST_DAYS * drafts.DAY_S == module_register.LONGEST_LIFE_S
    assert folder.LARGEST == canonical.LARGEST
