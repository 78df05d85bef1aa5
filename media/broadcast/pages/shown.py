"""What a page is told of a broadcast and of whoever looks at it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

#: Seconds between looks of a page that waits for the beginning: the soonest, the longest, and while a stage is away.
SOONEST_S, LATEST_S, PAUSED_S = 15, 300, 15
#: And while a recording is being made.
MAKING_S = 60


class Phase(enum.Enum):
    """Where a broadcast is. The values are stable: the player reads them."""

    WAITING = "waiting"
    LIVE = "live"
    PAUSED = "paused"  # whoever speaks has lost the connection, or shows nothing for a moment
    ENDED = "ended"


class Refusal(enum.Enum):
    """Why somebody sees a page of words instead of the broadcast. The values are stable: counted and tested."""

    SIGNED_OUT = "signed_out"
    OTHER_SCHOOL = "other_school"
    NOT_FOUND = "not_found"
    EXPIRED = "expired"
    UNAVAILABLE = "unavailable"  # nobody can say who this is: the school's server does not answer
    AWAY = "away"  # another node has this broadcast, and does not live


#: broadcast.md A8: anonymous 401, another school or a bad link 403, an old link 410.
STATUS: Mapping[Refusal, int] = {
    Refusal.SIGNED_OUT: 401,
    Refusal.OTHER_SCHOOL: 403,
    Refusal.NOT_FOUND: 404,
    Refusal.EXPIRED: 410,
    Refusal.UNAVAILABLE: 503,
    Refusal.AWAY: 503,
}


@frozen
class Said:
    """A line that everybody sees. `host`: a host's own; else a viewer's question, without a name."""

    id: int
    text: str = field(repr=False)
    host: bool = False


@frozen(kw_only=True)
class Broadcast:
    """One broadcast as its pages show it.

    Attributes:
        begins_at: with the school's time zone; None: nobody has said when.
        recorded: it is being recorded, which everybody is told (R48).
        materials_url: where the recording will be; "": said without a link.
        recording: the file, once it is over and made, in the page's own folder; "": not (yet).
        recorded_captions: of that file, in the same folder; "": nobody typed any.
        captions: there are some; the player that reads them is a third larger.
        typists: somebody here types them, with a host's code; else they come from another school.
        chat: what hosts have shown to all, the oldest first; JavaScript reads what comes after it.
        slow_s: seconds between two questions of one viewer at least; 0: no more than usual paces.
        live_sync_s: seconds behind the live edge that a player aims at (`liveSyncDuration`).
        sources: folders of the playlists, the nearest first: "" is the page's own, others end in a slash.
        playlist: the multivariant playlist in such a folder.
        sound: the playlist of the sound alone.
        back, sound_back: the same of everything since the beginning.
    """

    id: str
    title: str
    school: str
    phase: Phase
    begins_at: datetime | None = None
    recorded: bool = False
    materials_url: str = ""
    recording: str = ""
    recorded_captions: str = ""
    captions: bool = False
    typists: bool = False
    chat: tuple[Said, ...] = ()
    slow_s: int = 0
    live_sync_s: float = 2.2
    sources: tuple[str, ...] = ("",)
    playlist: str = "main.m3u8"
    sound: str = "sound.m3u8"
    back: str = "rewind.m3u8"
    sound_back: str = "soundrewind.m3u8"


@frozen(kw_only=True)
class Seat:
    """Somebody who may watch one broadcast now.

    Attributes:
        viewer: whose it is; a key for paces and figures, never shown or logged.
        token: of the path; whoever has it watches as this viewer.
        host: leads the broadcast: sees figures and the panel.
        hand: raised it.
        may_ask: may raise a hand and ask; not a pupil whom no parent has confirmed (R17).
        call: the way into the call, for whom a host has invited; "": nobody has.
    """

    viewer: str = field(repr=False)
    token: str = field(repr=False)
    broadcast: Broadcast
    host: bool = False
    hand: bool = False
    may_ask: bool = True
    call: str = ""


@frozen(kw_only=True)
class Figures:
    """What hosts see. `delay_s`: the middle of what players measured, None: nobody has yet. `stalled`: share, 0-1."""

    viewers: int = 0
    delay_s: float | None = None
    stalled: float = 0.0
    hands: int = 0


def look_again_s(broadcast: Broadcast, now: datetime, spread: float) -> int | None:
    """Seconds until a page without a picture looks again; None: it need not.

    Args:
        now: with a time zone.
        spread: 0-1, each viewer's own, so that ten thousand do not come in one second.
    """
    if broadcast.phase is Phase.ENDED and broadcast.recorded and not broadcast.recording:
        return round(MAKING_S * (0.5 + spread))
    if broadcast.phase is Phase.ENDED or broadcast.phase is Phase.LIVE:
        return None
    if broadcast.phase is Phase.PAUSED:
        return round(PAUSED_S * (0.5 + spread))
    if broadcast.begins_at is None:
        return round(60 * (0.5 + spread))
    left = (broadcast.begins_at - now).total_seconds()
    return round(SOONEST_S * (0.5 + spread) + min(max(0.0, left / 2), LATEST_S * (0.5 + spread)))
