"""Figures of broadcasts for Prometheus. Labels are words of ours: no id, nobody's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from attrs import field, frozen
from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from media.broadcast.pages.shown import Figures

PREFIX = "sferum_broadcast"
DELAY = Histogram(
    f"{PREFIX}_delay_seconds",
    "What players say how far behind the newest part they are, once in 30 s each.",
    buckets=(0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 10, 30),
)


class Seen(Protocol):
    """Of the house."""

    @property
    def counted(self) -> Mapping[str, int]: ...

    def on_air(self) -> int: ...

    def audiences(self) -> Figures: ...


@frozen(eq=False)
class HouseFigures(Collector):
    """Reads what the parts count themselves, at every scrape.

    Attributes:
        others: counters of other parts, by the name of the figure: words and numbers.
    """

    house: Seen
    others: Mapping[str, Mapping[str, int]] = field(factory=dict)

    def collect(self) -> Iterator[Metric]:
        seen = self.house.audiences()
        yield _gauge("on_air", "Broadcasts under way.", self.house.on_air())
        yield _gauge("viewers", "Accounts whose player spoke within 75 s.", seen.viewers)
        yield _gauge("stalled", "Share of them whose picture has just stopped, 0-1.", seen.stalled)
        yield _gauge("hands", "Hands that are up.", seen.hands)
        counted = dict(self.house.counted)
        stops = counted.pop("rebuffers", 0)
        yield CounterMetricFamily(f"{PREFIX}_rebuffers", "Pictures that stopped.", value=stops)
        yield _by("events", "What happened, by word.", counted.items())
        for name, words in self.others.items():
            yield _by(name, "Counted by the part of that name, by word.", words.items())


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _by(name: str, text: str, values: Iterable[tuple[str, int]]) -> Metric:
    family = CounterMetricFamily(f"{PREFIX}_{name}", text, labels=["what"])
    for word, value in values:
        family.add_metric([word], value)
    return family
