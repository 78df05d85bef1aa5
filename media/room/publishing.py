"""Who may publish what, muting and unpublishing (R43, R45). Pure.

A muted track is muted at the server: its packets go nowhere, whatever its client sends. Only its publisher ever unmutes
it, and only while no host holds it: nobody's microphone is switched on from afar.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from media.forwarder.api import Kind, Tap
from media.ids import TrackSid
from media.room.call import Call, tell
from media.room.commands import Command, MuteAtServer, Publish, SetTap, StopPublishing
from media.room.events import TrackReady
from media.room.layers import adjust, layers_of
from media.room.members import Member, Published
from media.room.messages import (
    MuteAsked,
    Request,
    RequestAnswered,
    Speaker,
    SpeakersChanged,
    TrackPublished,
    TrackUnpublished,
)
from media.room.model import SCREENS, Refusal, Source, Track
from media.room.subscriptions import offer, stop_subscribers

#: Tracks of one participant; Element Call has four at most.
MOST_TRACKS = 8
#: A screen that was announced and does not arrive no longer keeps others from sharing after so many seconds.
SHARE_ARRIVES_S = 15.0

#: Seconds from a track's first answer until its client is asked again to mute it, doubled each time; how often at most.
ASK_AGAIN_S, MOST_ASKS = 0.5, 6

_KINDS = {
    Source.CAMERA: Kind.VIDEO,
    Source.SCREEN: Kind.VIDEO,
    Source.MICROPHONE: Kind.AUDIO,
    Source.SCREEN_AUDIO: Kind.AUDIO,
}


def holdable(track: Track) -> Source:
    """The source whose hold the track falls under: one without a source counts as microphone or camera."""
    if track.source is Source.UNKNOWN:
        return Source.MICROPHONE if track.kind is Kind.AUDIO else Source.CAMERA
    return track.source


def refusal_to_add(call: Call, member: Member, track: Track, now: float) -> Refusal | None:
    """Why this member may not publish this track. A host's screen comes before everybody's but another host's."""
    if track.sid in call.tracks or any(p.track.cid == track.cid for p in member.tracks.values()):
        return Refusal.DUPLICATE
    if track.source not in member.grants.may_publish:
        return Refusal.SOURCE
    if _KINDS.get(track.source, track.kind) is not track.kind:
        return (
            Refusal.SOURCE
        )  # a microphone that says it is the sound of a screen would escape a hold
    if len(member.tracks) >= MOST_TRACKS:
        return Refusal.TOO_MANY_TRACKS
    if track.source in SCREENS:
        if member.waiting:
            return Refusal.WAITING
        if call.held(member, Source.SCREEN):
            return Refusal.HELD
        if any(not _gives_way(call, p, member) for p in other_shares(call, member, now)):
            return Refusal.SHARE_TAKEN
    return None


def other_shares(call: Call, member: Member, now: float) -> list[Published]:
    """Screens of others that stand in the way, while only one may be shared (R45)."""
    if not call.settings.one_share:
        return []
    return [
        published
        for published in call.tracks.values()
        if published.track.source in SCREENS
        and published.track.publisher != member.sid
        and (published.track.ready or now - published.added_at < SHARE_ARRIVES_S)
        and call.publisher(published).person != member.person
    ]


def _gives_way(call: Call, published: Published, member: Member) -> bool:
    return member.grants.host and not call.publisher(published).grants.host


def add(call: Call, member: Member, track: Track, now: float) -> list[Command]:
    """AddTrack: accepted, or refused by name."""
    refusal = refusal_to_add(call, member, track, now)
    if refusal is not None:
        answer = RequestAnswered(request=Request.ADD_TRACK, refusal=refusal, cid=track.cid)
        return tell((member.sid,), answer)
    commands: list[Command] = []
    if track.source in SCREENS:
        for published in other_shares(call, member, now):
            commands += unpublish(call, published)
    source = holdable(track)
    muted = track.muted or call.held(member, source) or call.comes_in_muted(member, source)
    told_muted = track.muted
    track = evolve(track, publisher=member.sid, muted=muted, ready=False)
    published = Published(track=track, added_at=now, layers=layers_of(track))
    call.tracks[track.sid] = member.tracks[track.sid] = published
    commands.append(Publish(track))
    commands += tell((member.sid,), TrackPublished(track))
    if track.muted and not told_muted:
        commands += ask_mute(call, published)
    return commands


def ask_mute(call: Call, published: Published) -> list[Command]:
    """Its client is told to mute the track, and again until it says that it did.

    livekit-client ignores the first word: it knows a track only once its answer has been applied.
    """
    call.unheard.add(published.sid)
    published.ask_at, published.asked_again = None, 0
    return tell((published.track.publisher,), MuteAsked(published.sid, muted=True))


def ask_again(call: Call, now: float) -> list[Command]:
    """Whoever has not muted what the server muted, half a second, one, two… seconds after."""
    commands: list[Command] = []
    for sid in sorted(call.unheard):
        published = call.tracks[sid]
        if not published.track.ready:
            continue
        if published.ask_at is None:
            published.ask_at = now + ASK_AGAIN_S
        elif now >= published.ask_at:
            published.asked_again += 1
            published.ask_at = now + ASK_AGAIN_S * 2**published.asked_again
            commands += tell((published.track.publisher,), MuteAsked(sid, muted=True))
            if published.asked_again == MOST_ASKS:
                call.unheard.discard(sid)
    return commands


def ready(call: Call, published: Published, event: TrackReady, now: float) -> list[Command]:
    """Its media is negotiated: others learn of it, and get it with their next batch."""
    first = not published.track.ready
    member = call.publisher(published)
    commands: list[Command] = []
    if first and published.track.source in SCREENS:
        blocking = [p for p in other_shares(call, member, now) if p.track.ready]
        if any(not _gives_way(call, p, member) for p in blocking):
            return unpublish(call, published)
        for other in blocking:  # they began while this one, announced long ago, did not arrive
            commands += unpublish(call, other)
    before = published.track
    published.track = evolve(
        before,
        ready=True,
        mid=event.mid or published.track.mid,
        mime_type=event.mime_type or published.track.mime_type,
    )
    published.layers = layers_of(published.track)
    if published.track.muted:
        # said again after each negotiation: the forwarder has been given the track anew
        commands.append(MuteAtServer(published.sid, muted=True))
    if published.tapped:
        commands.append(SetTap(Tap(published.sid, published.tapped)))
    if published.track != before:
        commands += call.changed(member)
    if first:
        call.dynacast.add(published.sid)
        if member.visible:
            offer(call, published, now)
    return commands


def remove(call: Call, published: Published) -> list[Command]:
    """The track is no more: nobody receives it, the forwarder forgets it. Others are told by who calls this."""
    commands = stop_subscribers(call, published)
    member = call.publisher(published)
    del call.tracks[published.sid], member.tracks[published.sid]
    call.unheard.discard(published.sid)
    for other in call.members.values():
        other.choices.pop(published.sid, None)
        other.screens.pop(published.sid, None)
    commands.append(StopPublishing(published.sid, member.sid))
    commands += quiet(call, member)
    return commands


def gone(call: Call, published: Published) -> list[Command]:
    """Unpublished by its publisher."""
    member = call.publisher(published)
    shown = published.track.ready
    commands = remove(call, published)
    return commands + (call.changed(member) if shown else [])


def unpublish(call: Call, published: Published) -> list[Command]:
    """By the server: its client is told to stop it."""
    publisher = published.track.publisher
    commands = gone(call, published)
    return commands + tell((publisher,), TrackUnpublished(published.sid))


def asked_mute(call: Call, member: Member, sid: TrackSid, muted: bool) -> list[Command]:
    """A publisher's own wish; unmuting what a host holds is refused, and their client is put right (R43)."""
    published = member.tracks.get(sid)
    if published is None:
        return []  # late, or somebody else's
    if not muted and call.held(member, holdable(published.track)):
        refused = RequestAnswered(request=Request.MUTE, refusal=Refusal.HELD, track=published.sid)
        commands = tell((member.sid,), refused)
        return commands + ask_mute(call, published)
    call.unheard.discard(sid)
    return set_muted(call, published, muted)


def server_mutes(call: Call, published: Published) -> list[Command]:
    """By a host: at the server first, then everyone and the client are told."""
    was_muted = published.track.muted
    commands = silence(call, published)
    if published.track.ready and not was_muted:
        commands += call.changed(call.publisher(published))
    return commands


def silence(call: Call, published: Published) -> list[Command]:
    """The same for one of many: whoever calls this tells everyone."""
    if published.track.muted:
        return []
    return _switch(call, published, muted=True) + ask_mute(call, published)


def set_muted(call: Call, published: Published, muted: bool) -> list[Command]:
    """By its publisher."""
    if published.track.muted == muted:
        return []
    commands = _switch(call, published, muted)
    if published.track.ready:
        commands += call.changed(call.publisher(published))
    return commands


def _switch(call: Call, published: Published, muted: bool) -> list[Command]:
    """What everyone will see and what the forwarder does are one thing."""
    published.track = evolve(published.track, muted=muted)
    if not published.track.ready:
        return []
    commands: list[Command] = [MuteAtServer(published.sid, muted)]
    if muted:
        commands += quiet(call, call.publisher(published))
    for sid in sorted(published.subscribers):
        subscriber = call.members[sid]
        if subscriber.budget.limit_bps is not None:  # a video less, or more, in its share
            commands += adjust(call, subscriber)
    return commands


def quiet(call: Call, member: Member) -> list[Command]:
    """Who has no open microphone any more speaks no more."""
    if any(_audible(p) for p in member.tracks.values()) or not call.speakers.forget(member.sid):
        return []
    silent = SpeakersChanged((Speaker(member.sid, 0.0, active=False),))
    return tell(call.inside(), silent)


def _audible(published: Published) -> bool:
    track = published.track
    return track.kind is Kind.AUDIO and track.ready and not track.muted


def enforce_holds(call: Call, members: Iterable[Member]) -> list[Command]:
    """After a host's word or a change of rights: what is held now and not muted yet is muted; screens end."""
    commands: list[Command] = []
    for member in members:
        for published in list(member.tracks.values()):
            source = holdable(published.track)
            if source in SCREENS:
                if call.held(member, Source.SCREEN):
                    commands += unpublish(call, published)
            elif call.held(member, source):
                commands += server_mutes(call, published)
    return commands


def lead(call: Call) -> list[Command]:
    """A host is here: from now to the end of the call pupils' microphones wait for a host's word (R43)."""
    if call.led:
        return []
    call.led = True
    pupils = [m for m in call.members.values() if call.held(m, Source.MICROPHONE)]
    return enforce_holds(call, pupils) + call.all_changed(pupils)


def enforce_rights(call: Call, member: Member) -> list[Command]:
    """After a change of rights: tracks of a source that is no longer allowed end."""
    commands: list[Command] = []
    for published in list(member.tracks.values()):
        if published.track.source not in member.grants.may_publish:
            commands += unpublish(call, published)
    return commands
