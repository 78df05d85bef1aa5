"""Figures of what is on air for Prometheus. Labels are words of ours: no id, nobody's name."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.broadcast.program.studio import Studio

PREFIX = "sferum_broadcast"


@frozen
class StudioFigures(Collector):
    """Reads what the parts count themselves, at every scrape."""

    studio: Studio

    def collect(self) -> Iterator[Metric]:
        notices = CounterMetricFamily(
            f"{PREFIX}_notices", "What hosts were told (notices.py).", labels=["notice"]
        )
        for word, count in self.studio.airing.told.items():
            notices.add_metric([word], count)
        answers = CounterMetricFamily(
            f"{PREFIX}_sessions",
            "Answers to WHIP and WHEP: created, restarted, trickled, deleted, or why not.",
            labels=["protocol", "answer"],
        )
        for protocol, doors in (("whip", self.studio.whip), ("whep", self.studio.whep)):
            for word, count in doors.counted.items():
                answers.add_metric([protocol, word], count)
        yield from (notices, answers)
        running = self.studio.airing.running
        lost = CounterMetricFamily(
            f"{PREFIX}_copies_lost", "Packets that a thread which runs now had no time for."
        )
        lost.add_metric([], sum(one.lost for one in running))
        yield lost
        for name, text, value in (
            ("running", "Broadcasts that run here.", len(running)),
            ("tapped", "Tracks whose packets are copied for them.", sum(len(one.tracks) for one in running)),
            ("publishers", "WHIP sessions, spares too.", len(self.studio.stage)),
            ("whep_viewers", "WHEP sessions.", len(self.studio.gallery)),
            ("cut_parts", "Parts of broadcasts that run.", sum(one.parts for one in running)),
            ("bugs", "Turns of broadcasts that run that met a bug.", sum(one.faults for one in running)),
        ):  # fmt: skip
            yield GaugeMetricFamily(f"{PREFIX}_{name}", text, value)
