"""Properties of any lesson: whatever happens in whatever order, the rules hold."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Layer
from media.ids import Identity, ParticipantSid, TrackSid
from media.room import events as ev
from media.room import operations as op
from media.room.commands import HostAnswered, Tell
from media.room.messages import RequestAnswered, ServerData
from media.room.model import SCREENS, Grants, LeaveReason, Person, Refusal, Settings, Source
from media.room.room import Room
from tests.media.room.ledger import Ledger, call_of
from tests.media.room.script import HOST, PUPIL, joined, new_room, track

SIDS = [ParticipantSid(f"PA_{n}") for n in range(5)]
NAMES = [Identity(f"@{n}:DEVICE") for n in range(4)]
TRACKS = [TrackSid(f"TR_{n}") for n in range(6)]
GRANTS = st.sampled_from(
    [
        HOST,
        PUPIL,
        PUPIL,
        Grants(),
        Grants(hidden=True),
        Grants(waits=True),
        Grants(may_subscribe=False),
        Grants(may_publish=frozenset()),
        Grants(may_start=False, muted_on_entry=True),
    ]
)
sids, names, tracks = st.sampled_from(SIDS), st.sampled_from(NAMES), st.sampled_from(TRACKS)
some_tracks = st.lists(tracks, min_size=1, max_size=3, unique=True).map(tuple)
anyone = st.none() | names
sources = st.sampled_from([s for s in Source if s is not Source.UNKNOWN])

JOINS = st.builds(
    joined,
    sids,
    GRANTS,
    identity=names,
    person=names.map(lambda name: Person(str(int(name[1]) % 4))),
    adaptive=st.booleans(),
    auto=st.sampled_from([True, True, False]),
)
ADDS = st.builds(track, tracks, sids, sources, muted=st.booleans()).map(ev.TrackAdded)
OPERATIONS = st.one_of(
    st.builds(op.MuteTrack, tracks, st.booleans()),
    st.just(op.MuteEveryone()),
    st.builds(op.StopCamera, anyone),
    st.builds(op.StopScreen, anyone),
    st.builds(op.LetUnmute, anyone, st.booleans()),
    st.builds(op.LetCamera, anyone, st.booleans()),
    st.builds(op.RemovePerson, names),
    st.builds(op.Lock, st.booleans()),
    st.builds(op.SetWaitingRoom, st.booleans()),
    st.builds(op.SetOneShare, st.booleans()),
    st.builds(op.LowerHand, anyone),
    st.builds(op.Admit, anyone),
    st.builds(op.BackToWaiting, names),
    st.builds(op.Spotlight, anyone),
)
READY = tracks.map(lambda sid: ev.TrackReady(sid, mid="1"))
MEDIA = st.one_of(
    ADDS,
    ADDS,
    READY,
    READY,
    tracks.map(ev.TrackGone),
    st.builds(ev.Muted, sids, tracks, st.booleans()),
    st.builds(ev.Subscribe, sids, some_tracks),
    st.builds(ev.Unsubscribe, sids, some_tracks),
    st.builds(
        ev.TrackSettings,
        by=sids,
        tracks=some_tracks,
        disabled=st.booleans(),
        width=st.sampled_from([0, 320, 2000]),
        height=st.just(0),
    ),
    st.builds(ev.TakesWhole, sids, tracks),
    st.builds(
        ev.SubscriptionPermission,
        by=sids,
        everyone=st.booleans(),
        tracks=st.dictionaries(names, st.none(), max_size=2),
    ),
    st.builds(ev.Loud, st.dictionaries(tracks, st.floats(0, 1), max_size=3)),
    st.builds(ev.LayersSeen, tracks, st.frozensets(st.sampled_from(Layer))),
    st.builds(ev.TapAsked, tracks, st.frozensets(st.sampled_from(Layer))),
    st.builds(
        ev.TrackRates,
        tracks,
        st.dictionaries(st.sampled_from(Layer), st.integers(0, 5_000_000)),
    ),
    st.builds(ev.LinkQuality, of=sids, lost_up=st.floats(0, 1), lost_down=st.floats(0, 1)),
    st.builds(
        ev.Estimated, sids, st.integers(0, 3_000_000), st.sampled_from([0, 500_000, 2_000_000])
    ),
)
PEOPLE = st.one_of(
    JOINS,
    JOINS,
    JOINS,
    sids.map(ev.Connected),
    st.builds(ev.Left, sids),
    sids.map(ev.SignalLost),
    sids.map(ev.Resumed),
    st.builds(ev.GrantsChanged, names, GRANTS),
    st.builds(ev.HandRaised, sids, st.booleans()),
    st.builds(
        ev.DataSent,
        by=sids,
        reliable=st.booleans(),
        body=st.just(b"x"),
        destinations=st.lists(names, max_size=2).map(tuple),
        sequence=st.integers(0, 5),
    ),
    st.builds(ev.Synced, sids, st.dictionaries(sids, st.integers(0, 5), max_size=2)),
    st.builds(
        ev.MetadataChanged,
        by=sids,
        attributes=st.dictionaries(
            st.sampled_from(["a", "sferum.hand", "sferum.host"]), st.just("1")
        ),
    ),
)
HOSTS = st.builds(ev.HostAsked, by=st.none() | sids, operation=OPERATIONS, request=st.just("r"))
PAUSES = st.sampled_from([0.0, 0.01, 0.3, 0.3, 3.0, 16.0])


@st.composite
def lessons(draw: st.DrawFn) -> list[tuple[ev.Event, float]]:
    """A few who come and publish, and then anything."""
    begin: list[ev.Event] = []
    for sid in draw(st.lists(sids, min_size=1, max_size=4, unique=True)):
        name = NAMES[SIDS.index(sid) % len(NAMES)]
        begin += [joined(sid, draw(GRANTS), identity=name), ev.Connected(sid)]
        for track_sid in draw(st.lists(tracks, max_size=2, unique=True)):
            begin.append(ev.TrackAdded(track(track_sid, sid, draw(sources))))
            begin.append(ev.TrackReady(track_sid, mid="1"))
    then = draw(
        st.lists(st.tuples(st.one_of(PEOPLE, MEDIA, MEDIA, HOSTS), PAUSES), min_size=5, max_size=50)
    )
    return [(event, 0.0) for event in begin] + then


STEPS = lessons()
SETTINGS = st.builds(
    Settings,
    limit=st.sampled_from([2, 100]),
    waiting_room=st.booleans(),
    one_share=st.booleans(),
    self_unmute=st.booleans(),
    locked=st.sampled_from([False, False, True]),
)


def is_nonsense(room: Room, event: ev.Event) -> bool:
    """Signalling gives every connection a new sid."""
    return isinstance(event, ev.Joined) and room.knows(event.sid)


def rest(ledger: Ledger, until: float, now: float) -> float:
    """Everything that is due by then, each at its time."""
    for _ in range(1_000):
        at = ledger.room.next_wakeup()
        if at is None or at > until:
            return until
        now = max(now, at)
        ledger.carry_out(ev.Ticked(), ledger.room.handle(ev.Ticked(), now))
    raise AssertionError("the room never comes to rest")


@given(SETTINGS, STEPS)
def test_the_rules_hold_whatever_happens(
    given_settings: Settings, steps: list[tuple[ev.Event, float]]
) -> None:
    """Nothing of muted, waiting, hidden or removed people is forwarded, and everyone has the rest in the end."""
    ledger, now = Ledger(new_room(given_settings)), 0.0
    for event, pause in steps:
        now = rest(ledger, now + pause, now)
        if ledger.room.ended:
            break
        if is_nonsense(ledger.room, event):
            continue
        ledger.carry_out(event, ledger.room.handle(event, now))
    if not ledger.room.ended:
        rest(ledger, now + 10.0, now)
        if not ledger.room.ended:
            ledger.check_everyone_has_everything()


@given(SETTINGS, STEPS, st.lists(OPERATIONS, min_size=1, max_size=8))
def test_what_others_ask_changes_nothing(
    given_settings: Settings, steps: list[tuple[ev.Event, float]], asked: list[op.Operation]
) -> None:
    """Whoever is no host is refused every operation of hosts, and the call is as it was (R43)."""
    room, now = new_room(given_settings), 0.0
    for event, pause in steps:
        now += pause
        if not is_nonsense(room, event):
            room.handle(event, now)
    if room.ended:
        return
    others = [m.sid for m in call_of(room).members.values() if not m.grants.host]
    for operation in [*asked, op.EndForAll()]:
        for sid in [*others, ParticipantSid("PA_stranger")]:
            before = copy.deepcopy(room.view(now))
            answer = room.handle(ev.HostAsked(by=sid, operation=operation, request="q"), now)
            assert [c for c in answer if isinstance(c, HostAnswered)] == [
                HostAnswered("q", Refusal.NOT_A_HOST)
            ]
            assert room.view(now) == before
            assert not room.ended


@given(SETTINGS, STEPS)
def test_one_screen_at_a_time(
    given_settings: Settings, steps: list[tuple[ev.Event, float]]
) -> None:
    """While the call has one share at a time from its start, no two people's screens are ever shown (R45)."""
    room, now = new_room(given_settings), 0.0
    for event, pause in steps:
        if isinstance(event, ev.HostAsked) and isinstance(event.operation, op.SetOneShare):
            continue
        now += pause
        if not is_nonsense(room, event):
            room.handle(event, now)
        call = call_of(room)
        if given_settings.one_share:
            sharing = {
                call.members[p.track.publisher].person
                for p in call.tracks.values()
                if p.track.ready and p.track.source in SCREENS
            }
            assert len(sharing) <= 1


@given(SETTINGS, STEPS)
def test_the_end_is_the_end(given_settings: Settings, steps: list[tuple[ev.Event, float]]) -> None:
    """When a call is closed everyone is gone, each once, and nothing follows any more."""
    ledger, now = Ledger(new_room(given_settings)), 0.0
    for event, pause in steps:
        now += pause
        if is_nonsense(ledger.room, event):
            continue
        ledger.carry_out(event, ledger.room.handle(event, now))
    closing = ev.Closing(LeaveReason.SERVER_SHUTDOWN)
    ledger.carry_out(closing, ledger.room.handle(closing, now))
    assert ledger.room.ended
    assert not ledger.inside
    assert not ledger.forwarded
    assert ledger.room.next_wakeup() is None
    for event, _ in steps:
        late = ledger.room.handle(event, now)
        assert not [
            c
            for c in late
            if isinstance(c, Tell) and not isinstance(c.message, RequestAnswered | ServerData)
        ]
