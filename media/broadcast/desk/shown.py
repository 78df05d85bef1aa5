"""What hosts' pages are told of broadcasts, and what they answer. Pure."""

from __future__ import annotations

import enum

from attrs import field, frozen

from media.broadcast.pages.shown import Broadcast, Figures, Said


class Unable(enum.Enum):
    """Why something a host pressed was not done. The values are stable: names of texts, counted and tested."""

    NOT_HOST = "not_host"
    GONE = "gone"  # no such broadcast any more, or another state of it
    BUSY = "busy"  # as many broadcasts run as this server bears
    ENCRYPTED = "encrypted"  # the call is encrypted end to end: nothing of it can be shown
    PUPIL = "pupil"  # a pupil's camera that nobody has shown large (R48)
    NO_CALL = "no_call"  # nobody calls there, or whoever was chosen has left
    NO_LINK = "no_link"  # not a link of a school that ours is connected with
    OWN_PICTURE = (
        "own_picture"  # what is shown already has its own: another school's cannot take its place
    )
    NOT_CALLING = "not_calling"  # viewers see no call that somebody could come into
    NOT_IN_ROOM = "not_in_room"  # the module does not let this viewer into that call
    HAND_DOWN = "hand_down"  # lowered by now, or another host was faster
    EMPTY_LINE = "empty_line"
    UNAVAILABLE = "not_done"


class Recording(enum.Enum):
    """What became of the recording; names of texts."""

    NONE = "recording_none"
    WANTED = "recording_wanted"  # once it has begun
    RUNNING = "recording_running"
    MAKING = "recording_making"
    READY = "recording_ready"
    LOST = "recording_lost"
    DELETED = "recording_deleted"


@frozen
class Place:
    """For whom a broadcast is: `key` is "" for the whole school, else a room's id. `timezone`: the school's (IANA)."""

    key: str
    name: str
    timezone: str = "Europe/Moscow"


@frozen
class Speaker:
    """Somebody in a call whose picture can be shown. `key`: of the form; `name`: as the call knows it."""

    key: str
    name: str = field(repr=False)
    screen: bool = False


@frozen(kw_only=True)
class Listed:
    """A line of the list. `leads`: this visitor leads it."""

    broadcast: Broadcast
    place: str
    leads: bool = False


@frozen(kw_only=True)
class Led:
    """One broadcast as its host sees it.

    Attributes:
        published: somebody's picture or sound comes in.
        spare: a second publisher is ready to take over.
        whip_url: what OBS calls "server".
        watch_url: the link for viewers.
        speakers: of the call of its room, if there is one.
        speaker: the key of whoever is shown from the call; "": nobody is.
        notices: sentences of what is wrong now, Russian and English.
        may_delete: director or deputy, who may delete its recording.
        recording_url: where it is seen once it is READY.
        schools: there are other schools, whose broadcasts can be shown and which can show this one.
        share_link: for a host of another school; "": this one is not ours to give.
        captions: somebody may type them; `captions_code` is what a host gives to whoever shall.
        questions: of viewers, that no host has looked at.
        followed: how another school's broadcast is that is shown here: joining, live, away, cut_off; "": none is.
    """

    broadcast: Broadcast
    place: str
    whip_url: str
    watch_url: str
    published: bool = False
    spare: bool = False
    notices: tuple[tuple[str, str], ...] = ()
    recording: Recording = Recording.NONE
    figures: Figures = field(factory=Figures)
    speakers: tuple[Speaker, ...] = ()
    speaker: str = ""
    may_delete: bool = False
    recording_url: str = ""
    schools: bool = False
    share_link: str = field(default="", repr=False)
    followed: str = ""
    captions: bool = False
    captions_code: str = field(default="", repr=False)
    questions: int = 0


@frozen(kw_only=True)
class HandUp:
    """`number`: of the form."""

    number: int
    name: str = field(repr=False)
    invited: bool = False


@frozen(kw_only=True)
class Question:
    """`number`: of the form."""

    number: int
    name: str = field(repr=False)
    text: str = field(repr=False)


@frozen(kw_only=True)
class Floor:
    """What viewers of one broadcast want to say, as its hosts see it.

    Attributes:
        hands, questions: the first ones; `all_hands`, `all_questions` say how many there are.
        newest: grows with each hand and each question.
        said: what all see already, the newest first.
        slow_s: seconds between two questions of one viewer; `paces` are those that hosts may choose.
        calls: viewers see a call, into which somebody can be invited.
    """

    broadcast: Broadcast
    hands: tuple[HandUp, ...] = ()
    all_hands: int = 0
    questions: tuple[Question, ...] = ()
    all_questions: int = 0
    newest: int = 0
    said: tuple[Said, ...] = ()
    slow_s: int = 0
    paces: tuple[int, ...] = (0,)
    calls: bool = False
