"""Figures of what is on air for Prometheus. Labels are words of ours: no id, nobody's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import frozen
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.broadcast.program.gallery import MediaGallery
from media.broadcast.program.running import Running
from media.broadcast.program.stage import MediaStage

PREFIX = "sferum_broadcast_program"


@frozen
class ProgramFigures(Collector):
    """Reads what the parts count themselves, at every scrape; sums over broadcasts that run now."""

    running: Callable[[], Sequence[Running]]
    stage: MediaStage
    gallery: MediaGallery

    def collect(self) -> Iterator[Metric]:
        running = self.running()
        notices = GaugeMetricFamily(
            f"{PREFIX}_notices", "What their hosts were told (notices.py).", labels=["notice"]
        )
        sums: dict[str, int] = {}
        for one in running:
            for notice, count in one.told.items():
                sums[notice.value] = sums.get(notice.value, 0) + count
        for word, count in sums.items():
            notices.add_metric([word], count)
        lost = CounterMetricFamily(f"{PREFIX}_copies_lost", "Packets that nobody had time for.")
        lost.add_metric([], sum(one.lost for one in running))
        yield from (notices, lost)
        for name, text, value in (
            ("running", "Broadcasts that run here.", len(running)),
            ("tapped", "Tracks whose packets are copied for them.", sum(len(one.tracks) for one in running)),
            ("publishers", "WHIP sessions, spares too.", len(self.stage)),
            ("whep_viewers", "WHEP sessions.", len(self.gallery)),
            ("cut_parts", "Parts that were cut.", sum(one.parts for one in running)),
            ("bugs", "Turns that met a bug.", sum(one.faults for one in running)),
        ):  # fmt: skip
            yield GaugeMetricFamily(f"{PREFIX}_{name}", text, value)
