"""Lists of steps ↔ bytes, to be sealed. Pure. What is not exactly as written here is refused, never guessed at."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, assert_never

from bridge.directory_json import new_person
from bridge.people import LinkStatus, NewPerson, SourceKey
from bridge.roles import ClassId, OrgId, PersonId, Role, UserId
from bridge.steps import (
    Activate,
    Confirm,
    CreatePerson,
    Deactivate,
    EnsureAccount,
    ErasePerson,
    Leave,
    Link,
    SetPassword,
    SignOut,
    Step,
    Steps,
    Who,
    WriteContacts,
)
from serving.json_object import BadJson, JsonObject, parse_object

#: Changes with the form. Lists of another version wait for the program that can read them.
VERSION = 1


def pack(steps: Steps) -> bytes:
    """A list as it is sealed: passwords are in it."""
    words = {
        "version": VERSION,
        "user_id": steps.user_id,
        "org_id": steps.org_id,
        "by": steps.by,
        "steps": [_packed(step) for step in steps.steps],
    }
    return json.dumps(words, ensure_ascii=False).encode()


def unpack(raw: bytes) -> Steps:
    """The list again.

    Raises:
        BadJson: not what `pack` of this version wrote.
    """
    words = parse_object(raw)
    words.only("version", "user_id", "org_id", "by", "steps")
    if words.number("version") != VERSION:
        raise BadJson("version")
    try:
        return Steps(
            user_id=UserId(words.text("user_id")),
            org_id=OrgId(words.text("org_id")),
            by=UserId(words.text("by")),
            steps=tuple(_unpacked(one) for one in words.objects("steps")),
        )
    except ValueError:  # of an enum or a date; its message would quote the value
        raise BadJson("steps") from None


def _packed(step: Step) -> dict[str, Any]:
    match step:
        case EnsureAccount(password):
            return {"do": "ensure_account", "password": password}
        case WriteContacts():
            return {"do": "write_contacts"}
        case SetPassword(password, sign_out):
            return {"do": "set_password", "password": password, "sign_out": sign_out}
        case CreatePerson(new):
            return {"do": "create_person", "new": {"class_id": None, **new_person(new)}}
        case Activate(who):
            return {"do": "activate", "who": _packed_who(who)}
        case Link():
            return {
                "do": "link",
                "guardian": _packed_who(step.guardian),
                "student": _packed_who(step.student),
                "relation": step.relation,
                "status": step.status.value,
            }
        case Confirm(student):
            return {"do": "confirm", "student": _packed_who(student)}
        case Leave(who, reason):
            return {"do": "leave", "who": _packed_who(who), "reason": reason}
        case SignOut():
            return {"do": "sign_out"}
        case ErasePerson(who):
            return {"do": "erase_person", "who": _packed_who(who)}
        case Deactivate():
            return {"do": "deactivate"}
        case _:
            assert_never(step)


def _unpacked(words: JsonObject) -> Step:
    name = words.text("do")
    if name not in _READERS:
        raise BadJson("do")
    fields, read = _READERS[name]
    words.only("do", *fields)
    return read(words)


#: Word → its other fields, and the step that they make.
_READERS: Mapping[str, tuple[tuple[str, ...], Callable[[JsonObject], Step]]] = {
    "ensure_account": (("password",), lambda w: EnsureAccount(w.text_or_none("password"))),
    "write_contacts": ((), lambda _: WriteContacts()),
    "set_password": (
        ("password", "sign_out"),
        lambda w: SetPassword(w.text("password"), w.flag("sign_out")),
    ),
    "create_person": (("new",), lambda w: CreatePerson(_new_person(w.object("new")))),
    "activate": (("who",), lambda w: Activate(_who(w, "who"))),
    "link": (
        ("guardian", "student", "relation", "status"),
        lambda w: Link(
            _who(w, "guardian"),
            _who(w, "student"),
            w.text("relation"),
            LinkStatus(w.text("status")),
        ),
    ),
    "confirm": (("student",), lambda w: Confirm(_who(w, "student"))),
    "leave": (("who", "reason"), lambda w: Leave(_who(w, "who"), w.text("reason"))),
    "sign_out": ((), lambda _: SignOut()),
    "erase_person": (("who",), lambda w: ErasePerson(_who(w, "who"))),
    "deactivate": ((), lambda _: Deactivate()),
}


def _packed_who(who: Who) -> str | dict[str, str]:
    if isinstance(who, SourceKey):
        return {"source": who.source, "source_id": who.source_id}
    return who


def _who(words: JsonObject, name: str) -> Who:
    if isinstance(words.raw.get(name), str):
        return PersonId(words.text(name))
    key = words.object(name)
    key.only("source", "source_id")
    return SourceKey(key.text("source"), key.text("source_id"))


def _new_person(words: JsonObject) -> NewPerson:
    words.only(
        "source", "source_id", "family_name", "given_name", "middle_name", "birth_date", "roles",
        "class_id",
    )  # fmt: skip
    born, class_id = words.text_or_none("birth_date"), words.text_or_none("class_id")
    return NewPerson(
        key=SourceKey(words.text("source"), words.text("source_id")),
        family_name=words.text("family_name"),
        given_name=words.text("given_name"),
        middle_name=words.text("middle_name"),
        birth_date=None if born is None else date.fromisoformat(born),
        roles=frozenset(Role(word) for word in words.texts("roles")),
        class_id=None if class_id is None else ClassId(class_id),
    )
