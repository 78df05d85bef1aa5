"""What the forwarder hears and measures, and how much of it people are told: speakers, links, counts. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from media.forwarder.api import Kind
from media.ids import ParticipantSid, TrackSid
from media.room.call import Call, tell
from media.room.commands import Command, Pin
from media.room.events import LinkQuality
from media.room.links import INTERVAL_S, judge, score_of
from media.room.members import Member
from media.room.messages import Link, LinksChanged, Quality, RoomChanged, SpeakersChanged

#: Seconds from a change of the number of participants until everyone is told: joins come in crowds.
COUNT_S = 5.0


def loud(call: Call, levels: Mapping[TrackSid, float], now: float) -> list[Command]:
    """Levels of tracks become speakers; muted and waiting people are none."""
    people: dict[ParticipantSid, float] = {}
    for sid, level in levels.items():
        published = call.tracks.get(sid)
        if published is None or published.track.kind is not Kind.AUDIO:
            continue
        member = call.publisher(published)
        if member.visible and published.track.ready and not published.track.muted:
            people[member.sid] = max(people.get(member.sid, 0.0), level)
    speakers = call.speakers.hear(people, now)
    return tell(call.inside(), SpeakersChanged(speakers)) if speakers else []


def pin(call: Call) -> list[Command]:
    """Hosts, and who is in the spotlight, are heard though three others are louder; for whom that has changed."""
    spotlight = call.settings.spotlight
    chosen = None if spotlight is None else call.member_of(spotlight)
    commands: list[Command] = []
    for published in call.tracks.values():
        if published.track.kind is not Kind.AUDIO:
            continue
        member = call.publisher(published)
        pinned = member.grants.host or (chosen is not None and member.person == chosen.person)
        if pinned != published.pinned:
            published.pinned = pinned
            commands.append(Pin(published.sid, pinned))
    return commands


def link(call: Call, member: Member, event: LinkQuality, now: float) -> list[Command]:
    """A report; told with the next message."""
    lost = max(event.lost_up, event.lost_down)
    member.line.report(judge(lost, event.rtt_s, event.jitter_s), now)
    if call.links_at is None:
        call.links_at = now + INTERVAL_S
    return []


def count(call: Call, now: float) -> None:
    """Note that the number of participants or publishers has changed."""
    if call.counted_at is None and call.count() != call.counted:
        call.counted_at = now + COUNT_S


def tick(call: Call, now: float) -> list[Command]:
    """Links and counts that are due."""
    commands: list[Command] = []
    if call.links_at is not None and now >= call.links_at:
        call.links_at = None
        commands += _links(call, now)
    if call.counted_at is not None and now >= call.counted_at:
        call.counted_at = None
        if call.count() != call.counted:
            call.counted = call.count()
            commands += tell(call.inside(), RoomChanged(call.info()))
    return commands


def _links(call: Call, now: float) -> list[Command]:
    """Everyone's to everyone, but nobody's own loss: it is told as poor."""
    links: list[Link] = []
    lost: list[Link] = []
    for member in call.members.values():
        quality = member.line.quality
        if quality is None or not member.visible:
            continue
        if (
            member.lost_at is not None
            and max(member.lost_at, member.line.reported_at) <= now - INTERVAL_S
        ):
            lost.append(Link(member.sid, Quality.LOST, score_of(Quality.LOST)))
        else:
            links.append(Link(member.sid, quality, score_of(quality)))
    # who is lost has no signal connection, so they are not told at all
    return tell(call.inside(), LinksChanged(tuple(links + lost))) if links or lost else []
