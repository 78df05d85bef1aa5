"""Rooms of several schools as the module tells of them (docs/contracts.md §2, ADR 30). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from bridge.roles import STAFF, Role
from serving.json_object import BadJson, JsonObject


@frozen(kw_only=True)
class CommonRoom:
    """One of them as this school has it.

    Attributes:
        room_id: None until it is made, or its maker has invited this school.
        host: the server that makes it; `host_name` its school, "" for our own and for one that is let in no more.
        members: words of staff, as the register has them.
        stage: a word of docs/contracts.md §2.
        wanted: our people who belong; `joined`, who are in; `roles`, how many of those have each role.
        inside: schools that are in beside ours; `absent`, listed ones that are not. At most fifty are named.
    """

    room_id: str | None
    name: str
    host: str
    host_name: str
    ours: bool
    members: tuple[str, ...]
    subject: str
    stage: str
    wanted: int
    joined: int
    roles: Mapping[Role, int] = field(hash=False)
    inside: int
    absent: int
    inside_names: tuple[str, ...]
    absent_names: tuple[str, ...]

    def is_for(self, roles: frozenset[Role]) -> bool:
        """Whether the register names one of these roles; a subject may still keep somebody out. Pure."""
        words = {role.value for role in roles & STAFF}
        return bool(({*words, "staff"} if words else words) & set(self.members))


@frozen(kw_only=True)
class CommonRooms:
    """All of them. `district` is "" for a school of none."""

    district: str
    rooms: tuple[CommonRoom, ...]


def common_rooms_of(found: JsonObject) -> CommonRooms:
    """The part `common` of `GET .../rooms`."""
    common = found.object("common")
    return CommonRooms(
        district=common.text("district"),
        rooms=tuple(map(_room, common.objects("rooms"))),
    )


def _room(found: JsonObject) -> CommonRoom:
    schools, roles = found.object("schools"), found.object("roles")
    return CommonRoom(
        room_id=found.text_or_none("room_id"),
        name=found.text("name"),
        host=found.text("host"),
        host_name=found.text("host_name"),
        ours=found.flag("ours"),
        members=tuple(found.texts("members")),
        subject=found.text("subject"),
        stage=found.text("stage"),
        wanted=found.number("wanted"),
        joined=found.number("joined"),
        roles={_role(word): roles.number(word) for word in roles.raw},
        inside=schools.number("inside"),
        absent=schools.number("absent"),
        inside_names=tuple(schools.texts("inside_names")),
        absent_names=tuple(schools.texts("absent_names")),
    )


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise BadJson("roles") from None
