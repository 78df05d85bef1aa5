"""A school's own headings and positions, saved once as TOML. Pure.

[students]
id = "№ л/д"
full_name = "Обучающийся"
[positions]
"Социальный педагог" = "teacher"
"Водитель" = "-"
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping

from attrs import field, frozen

from provisioning.names import fold
from provisioning.readers.headings import FIELDS
from provisioning.roster import STAFF, Group, Role

SECTIONS = {"students": Group.STUDENT, "staff": Group.STAFF, "guardians": Group.GUARDIAN}
SECTION_OF = {group: section for section, group in SECTIONS.items()}
LEAVE_OUT = "-"


class BadMapping(ValueError):
    """The mapping file cannot be used; the message names the section or field."""


@frozen
class ColumnMapping:
    """What one school says about its files.

    Attributes:
        columns: per list, field → heading as it stands in the file.
        positions: folded position → roles; an empty set: people of that position are left out.
    """

    columns: Mapping[Group, Mapping[str, str]] = field(factory=dict)
    positions: Mapping[str, frozenset[Role]] = field(factory=dict)

    def heading(self, group: Group, field_name: str) -> str | None:
        return self.columns.get(group, {}).get(field_name)


def parse_mapping(text: str) -> ColumnMapping:
    """Read the TOML form.

    Raises:
        BadMapping: not TOML, or an unknown section, field or role.
    """
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadMapping(f"TOML: {type(error).__name__}") from None
    columns: dict[Group, dict[str, str]] = {}
    positions: dict[str, frozenset[Role]] = {}
    for section, entries in raw.items():
        if not isinstance(entries, dict):
            raise BadMapping(f"{section} is not a section")
        if section == "positions":
            positions = {fold(name): _roles(name, value) for name, value in entries.items()}
        elif section in SECTIONS:
            columns[SECTIONS[section]] = _columns(section, entries)
        else:
            raise BadMapping(f"unknown section [{section}]")
    return ColumnMapping(columns, positions)


def _columns(section: str, entries: Mapping[str, object]) -> dict[str, str]:
    known = FIELDS[SECTIONS[section]]
    result: dict[str, str] = {}
    for name, heading in entries.items():
        if name not in known:
            raise BadMapping(f"[{section}] {name}: known fields are {', '.join(known)}")
        if not isinstance(heading, str) or not heading.strip():
            raise BadMapping(f"[{section}] {name}: want a heading in quotes")
        result[name] = heading
    return result


def _roles(position: str, value: object) -> frozenset[Role]:
    if not isinstance(value, str):
        raise BadMapping(f"[positions] {position}: want a role in quotes")
    words = [word.strip() for word in value.split(",")]
    if words == [LEAVE_OUT]:
        return frozenset()
    allowed = {role.value: role for role in Role if role in STAFF}
    if not all(word in allowed for word in words):
        raise BadMapping(f"[positions] {position}: known roles are {', '.join(allowed)} and -")
    return frozenset(allowed[word] for word in words)


def format_mapping(mapping: ColumnMapping) -> str:
    """The TOML form; `parse_mapping` reads back the same."""
    lines = ["# Столбцы файлов школы / columns of the school's files (sferum roster --mapping)"]
    for group, columns in sorted(mapping.columns.items()):
        lines += ["", f"[{SECTION_OF[group]}]"]
        lines += [f"{name} = {_quoted(heading)}" for name, heading in columns.items()]
    if mapping.positions:
        lines += ["", "[positions]"]
        for position, roles in sorted(mapping.positions.items()):
            words = ", ".join(role.value for role in Role if role in roles) or LEAVE_OUT
            lines.append(f"{_quoted(position)} = {_quoted(words)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
