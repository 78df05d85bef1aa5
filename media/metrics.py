"""Figures of the calls server for the same Prometheus as Synapse's. Labels are words of ours: no id, nobody's name.

What the parts count themselves is read when somebody asks; nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import Factory, frozen
from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.forwarder.api import Stats
from media.transport.api import Ignored

#: `route`: a pattern of ours, "?" for addresses that do not exist. `status`: 2xx | 3xx | 4xx | 5xx
ANSWERS = Histogram(
    "sferum_media_answers_seconds",
    "Answers over HTTP; a WebSocket is answered when its call is over.",
    ["route", "status"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
PREFIX = "sferum_media"
CONNECTING = Histogram(
    f"{PREFIX}_connecting_seconds",
    "From a client's WebSocket to its media connection: negotiation, ICE, DTLS.",
    buckets=(0.1, 0.3, 1, 3, 10, 30),
)
LAG = Histogram(
    f"{PREFIX}_loop_lag_seconds",
    "How late the process does what it wanted to do by the clock. Packets wait as long.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1),
)


@frozen(kw_only=True)
class Look:
    """What there is to be read, at one moment.

    Attributes:
        tokens: answers of the access part, by word.
        leaves: calls to the homeserver about delayed leaves, by word.
        ways: media connections, by `udp`, `tcp`, `relay`.
        joins: who came in, and doors that stayed shut, by word.
        wrong: what clients did that was dropped, by reason.
        hooks: notices sent, failed, dropped.
        rechecks: people in calls whose rights were asked for again, by word.
        passed: with several nodes: requests, by `here`, `passed`, `unreachable`.
        led: the same of broadcasts: requests about those of other nodes, by `sent`, `passed`, `away`.
        redis: it answered the last beat; None: not used.
    """

    rooms: int
    participants: int
    tracks: int
    peers: int
    forwarder: Stats
    ignored: Mapping[Ignored, int]
    tokens: Mapping[str, int]
    leaves: Mapping[str, int]
    wrong: Mapping[str, int]
    hooks: Mapping[str, int]
    draining: bool
    ways: Mapping[str, int] = Factory(dict)
    joins: Mapping[str, int] = Factory(dict)
    rechecks: Mapping[str, int] = Factory(dict)
    passed: Mapping[str, int] | None = None
    led: Mapping[str, int] | None = None
    redis: bool | None = None


@frozen
class CallFigures(Collector):
    """Asks `look` at every scrape."""

    look: Callable[[], Look]

    def collect(self) -> Iterator[Metric]:
        seen = self.look()
        yield _gauge("rooms", "Calls under way.", seen.rooms)
        yield _gauge("participants", "People in calls, by connections.", seen.participants)
        yield _gauge("tracks", "Cameras, microphones and screens that are sent.", seen.tracks)
        yield _gauge("peers", "ICE connections.", seen.peers)
        ways = GaugeMetricFamily(
            f"{PREFIX}_connections", "Media connections, by how clients reach us.", labels=["way"]
        )
        for way, count in seen.ways.items():
            ways.add_metric([way], count)
        yield ways
        yield _gauge("draining", "1 while nobody new is let in.", int(seen.draining))
        stats = seen.forwarder
        yield _counter("packets_in", "Media packets that came in.", stats.packets_in)
        yield _counter("packets_out", "Media packets that went out.", stats.packets_out)
        yield _counter("bytes_in", "Bytes of media that came in.", stats.bytes_in)
        yield _counter("bytes_out", "Bytes of media that went out.", stats.bytes_out)
        yield _counter("plis_sent", "Key frames asked for.", stats.plis_sent)
        yield _counter("nacks_sent", "Lost packets asked for.", stats.nacks_sent)
        yield _counter("nacks_received", "Lost packets clients asked for.", stats.nacks_received)
        yield _counter("retransmitted", "Packets sent again.", stats.retransmitted)
        yield _counter("tapped", "Media packets copied for broadcasts.", stats.tapped)
        yield _counter("taps_lost", "Copies that were not taken in time.", stats.taps_lost)
        yield _by("dropped", "Media packets dropped, by reason.", "why", stats.drops.items())
        ignored = ((why.value, count) for why, count in seen.ignored.items())
        yield _by("ignored", "Datagrams that went no further.", "why", ignored)
        yield _by("tokens", "Answers to who wants into a call.", "outcome", seen.tokens.items())
        yield _by("leaves", "Delayed leaves looked after.", "outcome", seen.leaves.items())
        yield _by("joins", "Who came into calls, or was not let in.", "result", seen.joins.items())
        yield _by("rechecks", "Rights asked for again.", "outcome", seen.rechecks.items())
        if seen.passed is not None:
            passed = seen.passed.items()
            yield _by("node_requests", "Requests, by where their call is.", "outcome", passed)
        if seen.led is not None:
            text = "Requests about broadcasts of other nodes."
            yield _by("broadcast_node_requests", text, "outcome", seen.led.items())
        if seen.redis is not None:
            yield _gauge("redis_reachable", "1 while the nodes can meet.", int(seen.redis))
        yield _by("wrong", "Messages of clients that were dropped.", "why", seen.wrong.items())
        yield _by("webhooks", "Notices to other services.", "outcome", seen.hooks.items())


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _by(name: str, text: str, label: str, values: Iterable[tuple[str, int]]) -> Metric:
    family = CounterMetricFamily(f"{PREFIX}_{name}", text, labels=[label])
    for word, value in values:
        family.add_metric([word], value)
    return family
