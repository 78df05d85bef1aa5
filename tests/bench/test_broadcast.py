"""The bench of broadcasts: its sums, its film, and a handful of viewers of everything for real."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from bench.broadcast import film, sums
from bench.broadcast.crowd import PACKAGE, added
from bench.broadcast.edge import UNIT, NoNginx
from bench.broadcast.rows import (
    QUICK,
    USUAL,
    Tools,
    fanned_out,
    python_only,
    restarted,
    through_edge,
)
from bench.broadcast.soak import Sample, not_flat, planned
from bench.broadcast.stage import Template
from bench.load.server import UNIT as MEDIA_UNIT
from bench.native import NoProgram, build
from bench.units import environment
from media.broadcast.cmaf.clocks import RATE
from tests.media.broadcast.cmaf.reading import samples


def test_quantiles_are_of_all_processes_together() -> None:
    """Histograms are added before a quantile is taken; counts are added, the longest gap is the longest of any."""
    first: dict[str, Any] = {
        "viewers": 2,
        "parts": 3,
        "bytes": 10,
        "requests": 6,
        "errors": 0,
        "reconnects": 0,
    }
    first |= {"longest_gap_ms": 900, "statuses": {"200": 6}, "late": [[10, 98], [500, 1]]}
    second = first | {"longest_gap_ms": 1_100, "statuses": {"200": 5, "503": 1}, "late": [[10, 1]]}
    both = added([first, second])
    assert (both["viewers"], both["longest_gap_ms"]) == (4, 1_100)
    assert both["statuses"] == {"200": 11, "503": 1}
    assert both["late"] == [(10, 99), (500, 1)]
    assert sums.quantile_ms(both["late"], 0.99) == 10
    assert sums.quantile_ms(both["late"], 1.0) == 500
    assert sums.quantile_ms([], 0.5) is None


def test_nginx_is_started_as_an_edge_starts_it() -> None:
    """The environment is that of the unit in deploy/, which allows an edge's descriptors too."""
    assert environment(UNIT) == ["GLIBC_TUNABLES=glibc.malloc.hugetlb=1"]
    assert "LimitNOFILE=65536" in UNIT.read_text("utf-8").splitlines()


def test_the_calls_server_is_started_as_on_a_school_s_machine() -> None:
    """The load generator's too."""
    assert environment(MEDIA_UNIT) == ["GLIBC_TUNABLES=glibc.malloc.hugetlb=1"]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the film of usual parts in it."""
    folder = tmp_path_factory.mktemp("films")
    (folder / str(USUAL)).mkdir()
    film.make(folder / str(USUAL), USUAL)
    return folder


def test_the_film_is_what_was_measured_with(films: Path) -> None:
    """300 kbit/s of pictures and sound; each turn goes on where the last one ended, and says when it was given."""
    folder = films / str(USUAL)
    made = film.load(folder)
    files = [folder / f"{film.PICTURES}-{number}.m4s" for number in range(made.parts)]
    total = sum(file.stat().st_size for file in files)
    assert abs(total * 8 / made.length_s - 300_000) < 15_000
    part = Template.read(files[1]).at(3 * film.FRAMES * 1_024, now=1_800_000_000.5)
    begins = made.part_ticks + 3 * film.FRAMES * 1_024
    assert {one.ticks for one in samples(part) if one.track == 1} == set(
        range(begins, begins + made.part_ticks, 1_024)
    )
    clock = int.from_bytes(part[16:24], "big") / 2**32 - 2_208_988_800
    assert abs(clock - 1_800_000_000.5) < 1e-6
    assert made.part_s == made.part_ticks / RATE


async def test_a_handful_of_viewers(films: Path) -> None:
    """Nobody meets an error at an edge or at the origin alone; the edge and another school ask once for all."""
    tools = await _tools(films)
    size = evolve(QUICK, viewers=16, seconds=2.5, python=(16,), python_seconds=1.5)
    try:
        row, alone, again, afar = await asyncio.gather(
            through_edge(tools, size),
            python_only(tools, size),
            restarted(tools, size),
            fanned_out(tools, size),
        )
    except NoNginx as error:
        pytest.skip(str(error))
    assert (row["viewers"], row["errors"], row["reconnects"], row["join_errors"]) == (16, 0, 0, 0)
    assert row["parts"] >= 16
    assert row["origin_requests_s"] < 12  # viewers by themselves would make 31
    assert row["lag_p50_ms"] is not None
    assert row["nginx_us_per_viewer_s"] > 0
    (tried,) = alone["python_only"]
    assert (tried["viewers"], tried["errors"], tried["reconnects"]) == (16, 0, 0)
    assert again["resume_viewers"] == size.restart
    assert again["resume_statuses"]["200"] > 0
    assert (afar["fanout_viewers"], afar["fanout_errors"]) == (20, 0)
    assert 0 < afar["fanout_copies"] < 5  # of twenty


def test_what_grows_in_a_broadcast_of_hours_is_named() -> None:
    """A megabyte every half minute is named; a jitter of the same size is not, and a table of segments neither."""
    plan = planned(30)
    growing = [Sample(30.0 * at, 60_000 + 1_000 * at, 90_000, 20, 8) for at in range(40)]
    assert set(not_flat(growing, plan)) == {"origin_kb"}
    steady = [
        Sample(30.0 * at, 60_000 + 500 * (at % 2) + 8 * at, 90_000, 20, 8) for at in range(40)
    ]
    assert not not_flat(steady, plan)


async def _tools(films: Path) -> Tools:
    try:
        return Tools(await asyncio.to_thread(build, PACKAGE), films)
    except NoProgram as error:
        pytest.skip(str(error))
