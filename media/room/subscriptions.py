"""Who receives which tracks. What begins waits for the next batch, what ends ends at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from media.ids import ParticipantSid, TrackSid
from media.room.call import Call, tell
from media.room.commands import Command, StartForwarding, StopForwarding
from media.room.events import SubscriptionPermission, TrackSettings
from media.room.layers import adjust, best_want, wanted_less, wanted_more, wants_of
from media.room.members import Member, Published, Screen, Subscription
from media.room.messages import SubscriptionAllowed

#: A batch waits so long for a second track of the same publisher: camera and microphone become ready together.
GATHER_S = 0.05
#: Seconds between two negotiations of one subscriber, and at most, in join storms (calls.md §4: an
#: offer for 100 people is 73 kB).
INTERVAL_S, LONGEST_S = 0.25, 2.0
#: More tracks than this in `STORM_S` seconds double the interval, twice as many double it again.
STORM_TRACKS, STORM_S = 10, 5.0


def may_receive(call: Call, member: Member, published: Published) -> bool:
    """Whether the rules let this member have this track (R44: who waits neither sees nor is seen)."""
    publisher = call.publisher(published)
    if publisher is member or not published.track.ready:
        return False
    if member.waiting or not publisher.visible or not member.grants.may_subscribe:
        return False
    if publisher.allowed is None:
        return True
    tracks = publisher.allowed.get(member.identity, frozenset())
    return tracks is None or published.sid in tracks


def wants(member: Member, published: Published) -> bool:
    """Whether the client wants it: it said so, or subscribes to everything."""
    return member.choices.get(published.sid, member.auto_subscribe)


def offer(call: Call, published: Published, now: float) -> None:
    """A track became ready, or visible: everyone who may and wants gets it with their next batch."""
    _storm(call, now)
    for member in call.members.values():
        await_batch(call, member, (published,), now)


def await_batch(call: Call, member: Member, tracks: Iterable[Published], now: float) -> None:
    """These tracks go into the member's next batch, as far as they may and want."""
    for published in tracks:
        if (
            published.sid not in member.subscriptions
            and wants(member, published)
            and may_receive(call, member, published)
        ):
            member.pending.add(published.sid)
    if member.pending and member.due is None:
        member.due = max(now + GATHER_S, member.last_batch + _interval(call, now))


def _storm(call: Call, now: float) -> None:
    call.ready_times.append(now)
    while call.ready_times and now - call.ready_times[0] > STORM_S:
        call.ready_times.popleft()


def _interval(call: Call, now: float) -> float:
    recent = sum(1 for at in call.ready_times if now - at <= STORM_S)
    interval = INTERVAL_S
    while recent > STORM_TRACKS and interval < LONGEST_S:
        recent //= 2
        interval *= 2
    return interval


def start(call: Call, member: Member, now: float) -> list[Command]:
    """The batch: what is pending begins, if it still may."""
    waited = [call.tracks[sid] for sid in sorted(member.pending) if sid in call.tracks]
    may = [one for one in waited if wants(member, one) and may_receive(call, member, one)]
    return _begin(call, member, may, now)


def _begin(call: Call, member: Member, tracks: Iterable[Published], now: float) -> list[Command]:
    """Nothing waits for the next batch then."""
    member.due = None
    member.pending.clear()
    started: list[TrackSid] = []
    for published in tracks:
        subscription = Subscription(want=best_want(member, published))
        member.subscriptions[published.sid] = subscription
        published.subscribers.add(member.sid)
        wanted_more(call, published, subscription)
        started.append(published.sid)
    if not started:
        return []
    member.last_batch = now
    if member.budget.limit_bps is None:
        return [StartForwarding(sid, member.sid, member.subscriptions[sid].want) for sid in started]
    # on a full link the new ones are begun, and then everything shares what there is
    commands: list[Command] = []
    fitting = wants_of(call, member)
    for sid in started:
        if not fitting[sid].paused:
            member.subscriptions[sid].want = fitting[sid]
            wanted_less(call, call.tracks[sid])
        commands.append(StartForwarding(sid, member.sid, member.subscriptions[sid].want))
    return commands + adjust(call, member)


def start_all(call: Call, member: Member, now: float) -> list[Command]:
    """A newcomer gets everything with the first negotiation."""
    tracks = [
        published
        for sid, published in sorted(call.tracks.items())
        if sid not in member.subscriptions
        and wants(member, published)
        and may_receive(call, member, published)
    ]
    return _begin(call, member, tracks, now)


def stop(call: Call, member: Member, sids: Iterable[TrackSid]) -> list[Command]:
    """These subscriptions end now."""
    commands: list[Command] = []
    for sid in sids:
        member.pending.discard(sid)
        if member.subscriptions.pop(sid, None) is not None:
            call.tracks[sid].subscribers.discard(member.sid)
            wanted_less(call, call.tracks[sid])
            commands.append(StopForwarding(sid, member.sid))
    return commands


def stop_all(call: Call, member: Member) -> list[Command]:
    """Everything this member receives."""
    return stop(call, member, [*member.subscriptions, *member.pending])


def stop_subscribers(call: Call, published: Published) -> list[Command]:
    """Everyone who receives this track, or is about to."""
    commands: list[Command] = []
    for member in call.members.values():
        commands += stop(call, member, (published.sid,))
    return commands


def chose(
    call: Call, member: Member, sids: Sequence[TrackSid], wanted: bool, now: float
) -> list[Command]:
    """UpdateSubscription; tracks that are not here are ignored."""
    known = [sid for sid in sids if sid in call.tracks]
    for sid in known:
        member.choices[sid] = wanted
    if not wanted:
        return stop(call, member, known)
    await_batch(call, member, [call.tracks[sid] for sid in known], now)
    return []


def sized(call: Call, member: Member, event: TrackSettings) -> list[Command]:
    """UpdateTrackSettings: also before the subscription is negotiated."""
    known = [sid for sid in event.tracks if sid in call.tracks]
    for sid in known:
        member.screens[sid] = Screen(
            disabled=event.disabled,
            quality=event.quality,
            width=event.width,
            height=event.height,
            fps=event.fps,
            priority=event.priority,
        )
    return adjust(call, member, only=known)


def permitted(
    call: Call, publisher: Member, event: SubscriptionPermission, now: float
) -> list[Command]:
    """A publisher says who may have their tracks; who may no longer loses them at once."""
    before = publisher.allowed
    publisher.allowed = None if event.everyone else dict(event.tracks)
    if publisher.allowed == before:
        return []
    commands: list[Command] = []
    for member in call.members.values():
        commands += _permit_one(call, publisher, member, now)
    return commands


def _permit_one(call: Call, publisher: Member, member: Member, now: float) -> list[Command]:
    commands: list[Command] = []
    for published in publisher.tracks.values():
        has = published.sid in member.subscriptions or published.sid in member.pending
        may = may_receive(call, member, published)
        if has and not may:
            commands += stop(call, member, (published.sid,))
            commands += _say(publisher.sid, published.sid, member, allowed=False)
        elif may and not has and wants(member, published):
            commands += _say(publisher.sid, published.sid, member, allowed=True)
            await_batch(call, member, (published,), now)
    return commands


def _say(
    publisher: ParticipantSid, sid: TrackSid, member: Member, *, allowed: bool
) -> list[Command]:
    return tell((member.sid,), SubscriptionAllowed(publisher, sid, allowed))
