"""A call as its hosts' page is told: one entry for each person, however many connections they have. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from media.room.model import Participant, Person, Source, Track
from media.room.room import View

#: Whose connection it is.
Owner = Callable[[Participant], Person]


def call(view: View, owner: Owner) -> dict[str, Any]:
    """What docs/contracts.md §7 promises under `call`."""
    settings = view.settings
    return {
        "id": view.info.sid,
        "began_at": view.info.created_at,
        "participants": persons(view.participants, owner),
        "waiting": persons(view.waiting, owner),
        "hands": [str(one) for one in view.hands],
        "settings": {
            "limit": settings.limit,
            "waiting_room": settings.waiting_room,
            "one_share": settings.one_share,
            "self_unmute": settings.self_unmute,
            "cameras": settings.cameras,
            "locked": settings.locked,
            "spotlight": _spotlight(view, owner),
        },
    }


def persons(connections: Iterable[Participant], owner: Owner) -> list[dict[str, Any]]:
    """In the order in which they came. Two devices are one person; so is Element Call's short second connection."""
    found: dict[Person, list[Participant]] = {}
    for one in connections:
        found.setdefault(owner(one), []).append(one)
    return [_person(person, theirs) for person, theirs in found.items()]


def _person(person: Person, theirs: list[Participant]) -> dict[str, Any]:
    """`identity` is the connection that shows most: an operation on it means all of them, a spotlight that one."""
    main = max(theirs, key=lambda one: (_has_picture(one.tracks), len(one.tracks)))
    attributes: dict[str, str] = {}
    for one in theirs:
        attributes.update(one.attributes)
    hand = attributes.get("sferum.hand")
    return {
        "user_id": str(person),
        "identity": main.identity,
        "name": next((one.name for one in theirs if one.name), ""),
        "host": "sferum.host" in attributes,
        "hand": int(hand) if hand is not None else None,
        "held": sorted(filter(None, attributes.get("sferum.held", "").split(","))),
        "connections": len(theirs),
        "joined_at": min(one.joined_at for one in theirs),
        "may_publish": sorted({s.value for one in theirs for s in one.permission.sources}),
        "tracks": [_track(track) for one in theirs for track in one.tracks],
    }


def _has_picture(tracks: Iterable[Track]) -> bool:
    return any(track.source is Source.CAMERA and not track.muted for track in tracks)


def _track(track: Track) -> Mapping[str, Any]:
    return {"sid": track.sid, "source": track.source.value, "muted": track.muted}


def _spotlight(view: View, owner: Owner) -> str | None:
    """The person; the room remembers a connection."""
    wanted = view.settings.spotlight
    if wanted is None:
        return None
    found = (one for one in view.participants if wanted in (one.identity, one.sid))
    return next((str(owner(one)) for one in found), None)
