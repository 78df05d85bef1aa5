"""What a page sees while its line gets worse and better under it, on both forwarders at once.

The whole walk takes a minute and waits for congestion control to find its way nine times: `make soak` has it
(`LINES=all`); `make test` walks what only loses.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.media.lossy.bounds import Bounds, fell_behind
from tests.media.lossy.figures import STEADY_S, Stage
from tests.media.lossy.side_by_side import LAYERS, PUBLISHER, side_by_side
from tests.media.lossy.wire import GOOD, Condition

SMALL, MIDDLE, LARGE = LAYERS
ANY, ENOUGH, ALL = frozenset(LAYERS), frozenset({MIDDLE, LARGE}), frozenset({LARGE})
#: Until the large picture is there again, seconds: 6 to 20 were seen, by how often a step was too much before.
AGAIN_S = 25.0


def both(name: str, condition: Condition, lasts_s: float = 5.0) -> Stage:
    """The same up and down."""
    return Stage(name=name, up=condition, down=condition, lasts_s=lasts_s)


def narrow(name: str, bandwidth_bps: int, width: int, lasts_s: float = 5.0) -> Stage:
    """20 ms each way, narrow where pictures come from; it goes on until a picture of this width is there."""
    down = Condition(delay_s=0.02, bandwidth_bps=bandwidth_bps)
    up = Condition(delay_s=0.02)
    return Stage(name=name, up=up, down=down, lasts_s=lasts_s, width=width, waits_s=AGAIN_S)


#: Of voices 2 to 3 % are the machine's: two encoders and four pages stumble on two cores, on a good line too.
#: v1 of livekit-client mends no voices: what the line loses of them, Opus makes up.
SCHEDULE = {
    both("good", GOOD, 4.0): Bounds(share=0.9, frozen=0.1, longest_s=0.7, voice=0.05, widths=ALL),
    both("1 % loss", Condition(loss=0.01)): Bounds(
        share=0.9, frozen=0.15, longest_s=1.0, voice=0.06, widths=ALL
    ),
    both("5 % loss", Condition(loss=0.05)): Bounds(
        share=0.8, frozen=0.25, longest_s=1.0, voice=0.1, widths=ALL
    ),
    both("10 % loss", Condition(loss=0.1)): Bounds(
        share=0.7, moves_s=3.0, frozen=0.4, longest_s=1.5, voice=0.18, widths=ENOUGH
    ),
    # A longer way looks like a full line for two seconds: down by two layers, and back.
    both("300 ms", Condition(delay_s=0.3), 6.0): Bounds(
        share=0.7,
        moves_s=3.0,
        frozen=0.3,
        longest_s=1.5,
        voice=0.05,
        settled=True,
        switches=4,
        widths=ANY,
    ),
    narrow("3 Mbit/s", 3_000_000, LARGE): Bounds(
        share=0.8,
        frozen=0.15,
        longest_s=1.5,
        voice=0.05,
        settled=True,
        widths=ALL,
        within_s=AGAIN_S,
    ),
    narrow("1 Mbit/s", 1_000_000, MIDDLE): Bounds(
        share=0.7, moves_s=4.0, frozen=0.4, longest_s=2.0, voice=0.05, settled=True, widths=ENOUGH
    ),
    narrow("200 kbit/s", 200_000, 0, 7.0): Bounds(
        share=0.5,
        moves_s=5.0,
        frozen=0.4,
        longest_s=3.0,
        voice=0.1,
        settled=True,
        widths=frozenset({SMALL}),
        may_pause=True,
    ),
    # A paused picture comes back when a train of padding, one every 6 s, has found room and the limit has held:
    # after 2 to 11 s.
    Stage(name="good again", width=LARGE, waits_s=AGAIN_S, then_s=STEADY_S + 0.5): Bounds(
        share=0.5,
        moves_s=15.0,
        frozen=0.4,
        longest_s=3.0,
        voice=0.05,
        settled=True,
        switches=4,
        widths=ALL,
        within_s=AGAIN_S,
    ),
}

#: The stages of the short form.
LOSSY = 4


async def test_a_call_lives_through_what_lines_do(
    record_property: Callable[[str, object], None],
) -> None:
    """Pictures move and voices are understood in every condition, the large picture comes back, and nobody joins anew;
    a page of the native forwarder gets no less than one of the plain one.
    """
    schedule = list(SCHEDULE.items())[: None if os.environ.get("LINES") == "all" else LOSSY]
    async with side_by_side() as pair:
        seen = await pair.walk(tuple(stage for stage, _ in schedule))
        for viewer in pair.pages.values():
            assert not [e for e in await viewer.happened("events") if "econnect" in e[0]]
            assert [e[1] for e in await viewer.happened("events")] == [PUBLISHER] * 2
    for name, its in seen.items():
        for one in its:
            record_property(f"{name}, {one.name}", one.rounded())
    broken = [
        f"{name}, {one.name}: {what}"
        for name, its in seen.items()
        for one, bounds in zip(its, [bounds for _, bounds in schedule], strict=True)
        for what in bounds.broken_by(one)
    ]
    behind = [
        f"native, {native.name}: {what}"
        for native, plain in zip(seen.get("native", ()), seen["plain"], strict=False)
        for what in fell_behind(native, plain)
    ]
    assert not broken + behind, seen
