"""Adaptive stream and dynacast: which layer a subscriber gets, and which layers a publisher need encode. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from media.forwarder.api import LAYERED, Kind, Layer, Tap, Want
from media.ids import TrackSid
from media.room.budget import SOUND_BPS, Demand, share
from media.room.call import Call, tell
from media.room.commands import Command, SetTap, SetWant, SetWish
from media.room.events import Estimated
from media.room.members import Member, Published, Screen, Subscription
from media.room.messages import LayersWanted, StreamsChanged, StreamState
from media.room.model import SCREENS, Track

#: Fewer layers are asked for only after so many seconds: somebody scrolling past must not stop an encoder.
LOWER_AFTER_S = 2.0
#: Bits a second of a layer whose publisher said nothing, by height (LiveKit's presets for 180p, 360p, 720p).
USUAL_BPS: Mapping[Layer, int] = {
    Layer.LOW: 160_000,
    Layer.MEDIUM: 450_000,
    Layer.HIGH: 1_700_000,
}
_LAYERED_TYPES = frozenset(codec.value.lower() for codec in LAYERED)
#: A picture that stands still now will move: it is given so much more than was measured, and at least so many bits.
MOVEMENT, LEAST_BPS = 1.5, 20_000


def layers_of(track: Track) -> tuple[Layer, ...]:
    """The layers that can be chosen from, lowest first; one for sound, and for pictures of one size."""
    if track.kind is Kind.AUDIO:
        return (Layer.HIGH,)
    found = sorted({layer.layer for layer in track.layers})
    return tuple(found) if len(found) > 1 else (Layer.HIGH,)


_ALL = Want()


@cache
def _want(layer: Layer, temporal: int) -> Want:
    """Of a dozen, one for all: a newcomer wants twenty tracks."""
    return Want(layer=layer, temporal=temporal)


def best_want(member: Member, published: Published) -> Want:
    """What a subscriber's screen asks for, were the link wide enough."""
    track = published.track
    if track.kind is Kind.AUDIO:
        return _ALL
    screen = member.screens.get(track.sid)
    if screen is not None and screen.disabled:
        return Want(layer=_lowest(published), paused=True)
    wanted = _asked_layer(member, track, screen)
    temporal = 3 if screen is None else _temporal(screen.fps)
    return _want(_available(published, wanted), temporal)


def _asked_layer(member: Member, track: Track, screen: Screen | None) -> Layer:
    if screen is None:
        # LiveKit's default: an adaptive client will say what it has room for in a moment.
        return Layer.LOW if member.adaptive_stream else Layer.HIGH
    if not screen.width and not screen.height:
        return Layer.HIGH if screen.quality is None else screen.quality
    for layer in sorted(track.layers, key=lambda layer: layer.layer):
        # 10 %: an element of 330 pixels is well served by 320
        if layer.width * 1.1 >= screen.width and layer.height * 1.1 >= screen.height:
            return layer.layer
    return Layer.HIGH


def _temporal(fps: int) -> int:
    return 3 if fps <= 0 or fps > 15 else 1 if fps > 8 else 0


def _available(published: Published, wanted: Layer) -> Layer:
    """Not above the wanted layer, unless there is nothing so low: better too sharp than nothing."""
    layers = published.layers
    if len(layers) == 1:
        return layers[0]
    if published.seen:
        layers = tuple(layer for layer in layers if layer in published.seen) or layers
    # what is not on the air yet may come: the wanted one stays the limit
    return wanted if layers[0] <= wanted else layers[0]


def _lowest(published: Published) -> Layer:
    return published.layers[0]


def measured(published: Published, rates: Mapping[Layer, int]) -> list[Command]:
    """Counts from the next decision on."""
    published.rates.update(rates)
    return []


def _cost(published: Published, layer: Layer, said: Mapping[Layer, int]) -> int:
    """Bits a second: as measured, with room for movement; before that as its publisher said, who says the most.

    A face on a small tile is 40 kb/s where 160 were announced: by what is announced, a link that is far from full would
    have no room for the fourth.
    """
    return _expected(said.get(layer, USUAL_BPS[layer]), published.rates.get(layer))


def _expected(announced: int, rate: int | None) -> int:
    return announced if rate is None else min(announced, max(int(rate * MOVEMENT), LEAST_BPS))


def _cost_of_all(published: Published, said: Mapping[Layer, int]) -> int:
    """Of a stream with layers inside, whole. What is said of the largest is said of all of it; sizes that build on each
    other are measured more than once.
    """
    seen = published.rates.keys() & (published.seen or Layer)
    announced = max(said.values(), default=USUAL_BPS[Layer.HIGH])
    return _expected(announced, sum(published.rates[each] for each in seen) if seen else None)


def _costs(
    published: Published, subscription: Subscription, want: Want, said: Mapping[Layer, int]
) -> dict[Layer, int]:
    """Of what the forwarder can choose from."""
    if subscription.whole:
        return {want.layer: _cost_of_all(published, said)}
    layers = published.layers
    if published.seen and published.track.mime_type.lower() in _LAYERED_TYPES:
        layers = tuple(layer for layer in layers if layer in published.seen) or layers
    lowest = layers[0]
    return {
        layer: _cost(published, layer, said)
        for layer in layers
        if layer <= want.layer or layer is lowest
    }


def demand_of(call: Call, member: Member, published: Published, want: Want) -> Demand:
    """One video for the budget."""
    track = published.track
    said = {layer.layer: layer.bitrate_bps for layer in track.layers if layer.bitrate_bps}
    costs = _costs(published, member.subscriptions[track.sid], want, said)
    publisher = call.publisher(published)
    screen = member.screens.get(track.sid)
    rank = (
        0 if track.source in SCREENS else 1,
        0 if publisher.identity == call.settings.spotlight else 1,
        screen.priority or 99 if screen is not None else 99,
        0 if call.speakers.is_speaking(publisher.sid) else 1,
    )
    readable = Layer.MEDIUM if track.source in SCREENS else Layer.LOW
    return Demand(track=track.sid, costs=costs, rank=rank, readable=readable)


def wants_of(call: Call, member: Member) -> dict[TrackSid, Want]:
    """Every want of a subscriber, within the budget of the link."""
    best = {sid: best_want(member, call.tracks[sid]) for sid in member.subscriptions}
    if member.budget.limit_bps is None:
        return best
    demands = _demands(call, member, best)
    if not demands or member.budget.fits(demands):
        return best
    shares = share(member.budget.limit_bps, demands, measured=member.budget.measured)
    for sid, layer in shares.items():
        if layer is None:
            best[sid] = Want(layer=_lowest(call.tracks[sid]), paused=True)
        elif layer < best[sid].layer:
            best[sid] = Want(layer=layer, temporal=best[sid].temporal)
    return best


def _demands(call: Call, member: Member, best: Mapping[TrackSid, Want]) -> list[Demand]:
    return [
        demand_of(call, member, call.tracks[sid], want)
        for sid, want in best.items()
        if not want.paused
        and call.tracks[sid].track.kind is Kind.VIDEO
        and not call.tracks[sid].track.muted
    ]


def _wish(call: Call, member: Member) -> list[Command]:
    """What a full link is probed for, in steps of 100 kbit/s; nothing where no padding is told of."""
    budget, wish_bps = member.budget, 0
    if budget.measured and budget.limit_bps is not None:
        best = {sid: best_want(member, call.tracks[sid]) for sid in member.subscriptions}
        demands = _demands(call, member, best)
        needed = SOUND_BPS + sum(max(demand.costs.values()) for demand in demands)
        wish_bps = -(-needed // 100_000) * 100_000
    if wish_bps == budget.wish_bps:
        return []
    budget.wish_bps = wish_bps
    return [SetWish(member.sid, wish_bps)]


def adjust(call: Call, member: Member, only: Iterable[TrackSid] | None = None) -> list[Command]:
    """Bring the forwarder's wants to what is wanted now; `only` these tracks where no budget couples them."""
    commands: list[Command] = []
    if only is not None and member.budget.limit_bps is None:
        wants = {
            sid: best_want(member, call.tracks[sid]) for sid in only if sid in member.subscriptions
        }
    else:
        wants = wants_of(call, member)
    paused: list[StreamState] = []
    for sid, want in wants.items():
        published, subscription = call.tracks[sid], member.subscriptions[sid]
        by_us = want.paused and not best_want(member, published).paused
        if subscription.want == want and subscription.shown_paused == by_us:
            continue
        before = _level(subscription)
        if subscription.want != want:
            subscription.want = want
            commands.append(SetWant(sid, member.sid, want))
        if by_us != subscription.shown_paused:
            subscription.shown_paused = by_us
            paused.append(StreamState(published.track.publisher, sid, paused=by_us))
        if _rank(_level(subscription)) < _rank(before):
            wanted_less(call, published)
        else:
            wanted_more(call, published, subscription)
    if paused:
        commands += tell((member.sid,), StreamsChanged(tuple(paused)))
    return commands + _wish(call, member)


def wanted_more(call: Call, published: Published, subscription: Subscription) -> None:
    """Somebody begins, or has room for more."""
    level = _level(subscription)
    if _rank(level) > _rank(published.highest):
        published.highest = level
        call.dynacast.add(published.sid)


def wanted_less(call: Call, published: Published) -> None:
    """Somebody stops, or has less room: who wants most is looked for at the end of this event."""
    published.stale = True
    call.dynacast.add(published.sid)


def _level(subscription: Subscription) -> Layer | None:
    """Who is paused for want of bandwidth still needs the lowest layer."""
    if subscription.want.paused and not subscription.shown_paused:
        return None
    return subscription.want.layer


def _highest(call: Call, published: Published) -> Layer | None:
    """Nearly everybody wants all there is: then the first one is asked, and no other."""
    members, track = call.members, published.sid
    highest = max(published.tapped, default=None)
    for sid in published.subscribers:
        level = _level(members[sid].subscriptions[track])
        if _rank(level) > _rank(highest):
            highest = level
            if highest is Layer.HIGH:
                break
    return highest


def ask_publishers(call: Call, now: float) -> list[Command]:
    """Dynacast for the tracks that were touched, and for those whose two seconds are over."""
    commands: list[Command] = []
    for sid in sorted(call.dynacast):
        published = call.tracks.get(sid)
        if published is None or published.track.kind is Kind.AUDIO or not published.track.ready:
            continue
        if published.stale:
            published.highest, published.stale = _highest(call, published), False
        wanted = published.highest
        if _rank(wanted) >= _rank(published.asked):
            published.lower_at = None
            if wanted is not published.asked:
                commands += _ask(published, wanted)
        elif published.lower_at is None:
            published.lower_at = now + LOWER_AFTER_S
        elif now >= published.lower_at:
            published.lower_at = None
            commands += _ask(published, wanted)
    call.dynacast.clear()
    return commands


def _ask(published: Published, wanted: Layer | None) -> list[Command]:
    published.asked = wanted
    return tell((published.track.publisher,), wanted_message(published))


def wanted_message(published: Published) -> LayersWanted:
    """All layers up to the highest wanted one."""
    asked = published.asked
    layers = frozenset(layer for layer in Layer if asked is not None and layer <= asked)
    return LayersWanted(published.sid, layers)


def _rank(layer: Layer | None) -> int:
    return -1 if layer is None else int(layer)


def seen(call: Call, published: Published, layers: frozenset[Layer]) -> list[Command]:
    """Other layers are on the air than before: who waited for one that is not gets another."""
    if published.seen == layers:
        return []
    published.seen = layers
    commands: list[Command] = []
    for sid in sorted(published.subscribers):
        commands += adjust(call, call.members[sid], only=(published.sid,))
    return commands


def tap(call: Call, published: Published, wanted: frozenset[Layer]) -> list[Command]:
    """What is broadcast is encoded, though nobody in the call may look at it: `retap` follows."""
    call.taps[published.sid] = wanted
    return []


def retap(call: Call) -> list[Command]:
    """After every event. Who waits, or is hidden, is broadcast no more than seen (R44); admitted, they are again."""
    commands: list[Command] = []
    for sid, wanted in list(call.taps.items()):
        published = call.tracks.get(sid)
        if published is None or not wanted:
            del call.taps[sid]
        if published is None:
            continue
        layers = wanted if call.publisher(published).visible else frozenset[Layer]()
        if published.tapped != layers:
            published.tapped, published.stale = layers, True
            call.dynacast.add(sid)
            commands.append(SetTap(Tap(sid, layers)))
    return commands


def takes_whole(call: Call, member: Member, track: TrackSid) -> list[Command]:
    """Its budget counts all that is sent."""
    subscription = member.subscriptions.get(track)
    if subscription is None or subscription.whole:
        return []
    subscription.whole = True
    return adjust(call, member, only=(track,))


def estimated(call: Call, member: Member, event: Estimated, now: float) -> list[Command]:
    """What a subscriber's link carries, if that changes what is sent."""
    budget = member.budget
    if not budget.estimate(event.bitrate_bps, event.sent_bps, now, measured=event.measured):
        return []
    return adjust(call, member)


def probe(call: Call, now: float) -> list[Command]:
    """Limits that held for long enough let more through."""
    commands: list[Command] = []
    for member in call.members.values():
        if member.budget.grow(now):
            commands += adjust(call, member)
    return commands
