"""Figures of the origin for Prometheus. Labels are words of ours: no id, nobody's name."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.broadcast.origin.endpoints import Endpoints
from media.broadcast.origin.showing import Recordings

PREFIX = "sferum_broadcast_origin"


@frozen
class OriginFigures(Collector):
    """Reads what the parts count themselves, at every scrape."""

    endpoints: Endpoints
    recordings: Recordings

    def collect(self) -> Iterator[Metric]:
        yield from self._asked()
        yield from self._held()

    def _asked(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            f"{PREFIX}_requests",
            "Requests. who: viewer, edge, auth, roll, recording. 499: nobody read the answer.",
            labels=["who", "status"],
        )
        octets = CounterMetricFamily(f"{PREFIX}_octets", "Octets of answers.", labels=["who"])
        for (who, status), count in self.endpoints.answered.items():
            requests.add_metric([who, str(status)], count)
        for status, count in self.recordings.answered.items():
            requests.add_metric(["recording", str(status)], count)
        for who, sent in self.endpoints.octets.items():
            octets.add_metric([who], sent)
        octets.add_metric(["recording"], self.recordings.octets)
        passes = CounterMetricFamily(f"{PREFIX}_judged", "Passes looked at.", labels=["answer"])
        for word, count in self.endpoints.judge.counted.items():
            passes.add_metric([word], count)
        turned_away = self.endpoints.bounds.turned_away + self.recordings.bounds.turned_away
        yield from (requests, octets, passes)
        yield CounterMetricFamily(f"{PREFIX}_busy", "Requests above the bounds.", turned_away)

    def _held(self) -> Iterator[Metric]:
        origin = self.endpoints.origin
        lives = origin.lives
        unfit = CounterMetricFamily(
            f"{PREFIX}_unfit", "Parts left out of broadcasts that are there.", labels=["why"]
        )
        sums: dict[str, int] = {}
        for live in lives:
            for why, count in live.unfit.items():
                sums[why.value] = sums.get(why.value, 0) + count
        for word, count in sums.items():
            unfit.add_metric([word], count)
        yield unfit
        for name, text, value in (
            ("live", "Broadcasts on air.", sum(one.over is None for one in lives)),
            ("waiting", "Requests for what is not there yet.", sum(one.waiting.count for one in lives)),
            ("parts", "Parts of broadcasts that are there.", sum(one.parts for one in lives)),
            ("memory_octets", "Parts in memory.", sum(one.memory_bytes for one in lives)),
            ("unwritten_octets", "Waiting for the disk.", sum(one.writer.waiting for one in lives)),
            ("disk_faults", "Broadcasts that the disk has no more of.", sum(one.fault is not None for one in lives)),
        ):  # fmt: skip
            yield GaugeMetricFamily(f"{PREFIX}_{name}", text, value)
        recordings = CounterMetricFamily(
            f"{PREFIX}_recordings", "Recordings made, and first tries that failed.", labels=["made"]
        )
        recordings.add_metric(["yes"], origin.recorded)
        recordings.add_metric(["no"], origin.unrecorded)
        yield recordings
