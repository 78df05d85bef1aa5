"""How the district's register stands, as the module's /health says → findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioning.doctor_finding import Finding, Level

DAY_S = 86_400
#: The operator signs anew each month; a week before the end somebody should ask.
SOON_S = 7 * DAY_S
#: Seconds without an agreeing answer; the module asks at least each seven and a half minutes.
SILENT_S = 3_600
#: Rooms or schools named in one line; the line says how many there are.
MOST_NAMED = 5


def check_district(health: Mapping[str, Any], now_s: int) -> list[Finding]:
    """Nothing for a school of no district.

    Args:
        now_s: this machine's clock, seconds since 1970.
    """
    register = health.get("district")
    if not isinstance(register, Mapping):
        return []
    rooms = health.get("common_rooms")
    return [
        _standing(register, now_s),
        *_answers(register, now_s),
        *(_rooms(register, rooms) if isinstance(rooms, Mapping) else ()),
    ]


def _standing(register: Mapping[str, Any], now_s: int) -> Finding:
    district = str(register.get("district", ""))
    serial = register.get("serial")
    match register.get("standing"):
        case "open":
            left_s = _seconds(register, "expires_s") - now_s
            figures = {
                "serial": serial,
                "peers": register.get("peers"),
                "days": max(0, left_s // DAY_S),
            }
            if left_s < SOON_S:
                return Finding(Level.WARNING, "register_ends_soon", district, figures)
            return Finding(Level.OK, "register_good", district, figures)
        case "expired":
            return Finding(Level.ERROR, "register_expired", district, {"serial": serial})
        case "not_listed":
            return Finding(Level.ERROR, "register_without_us", district, {"serial": serial})
        case "isolated":
            return Finding(Level.WARNING, "register_isolates_us", district, {"serial": serial})
        case _:
            return Finding(Level.ERROR, "register_none", district)


def _answers(register: Mapping[str, Any], now_s: int) -> Iterator[Finding]:
    refusal = register.get("refusal")
    if not refusal:
        return
    district = str(register.get("district", ""))
    if refusal != "unreachable":
        where = str(register.get("refused_where", ""))
        figures = {"reason": f"{refusal} {where}".strip()}
        yield Finding(Level.ERROR, "register_refused", district, figures)
    elif (silent_s := now_s - _seconds(register, "agreed_s")) > SILENT_S:
        # 0 is "never": since 1970 would tell nobody anything.
        hours = silent_s // 3600 if _seconds(register, "agreed_s") else "?"
        yield Finding(Level.WARNING, "register_silent", district, {"hours": hours})


def _rooms(register: Mapping[str, Any], rooms: Mapping[str, Any]) -> Iterator[Finding]:
    """Rooms of several schools (ADR 30). While no register is in force they wait, and `_standing` has said so."""
    district, count = str(register.get("district", "")), rooms.get("rooms")
    if register.get("standing") != "open" or not count:
        return
    waiting, absent = _list(rooms, "waiting"), _list(rooms, "absent")
    if waiting:
        names = ", ".join(
            f"«{one.get('name', '')}» ({one.get('host', '')})"
            for one in waiting[:MOST_NAMED]
            if isinstance(one, Mapping)
        )
        figures = {"count": len(waiting), "names": names}
        yield Finding(Level.WARNING, "common_rooms_waiting", district, figures)
    if absent:
        figures = {"count": len(absent), "names": ", ".join(map(str, absent[:MOST_NAMED]))}
        yield Finding(Level.WARNING, "common_rooms_absent", district, figures)
    if rooms.get("leaving"):
        figures = {"count": rooms.get("leaving")}
        yield Finding(Level.WARNING, "common_rooms_leaving", district, figures)
    if not (waiting or absent or rooms.get("leaving")):
        yield Finding(Level.OK, "common_rooms_good", district, {"count": count})


def _list(rooms: Mapping[str, Any], name: str) -> list[Any]:
    found = rooms.get(name)
    return found if isinstance(found, list) else []


def _seconds(register: Mapping[str, Any], name: str) -> int:
    found = register.get(name)
    return found if isinstance(found, int) else 0
