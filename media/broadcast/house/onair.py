"""One broadcast from start to end on this node: what publishes it, what of a call is shown, what runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from attrs import define, field

from media.broadcast.house import speaking
from media.broadcast.house.board import NOBODY, Board
from media.broadcast.house.staging import OnStage
from media.broadcast.program.calls import CallProgram, CallTaps
from media.broadcast.program.choosing import Choice, Refusal, on_air
from media.broadcast.program.running import Running, Tapping
from media.broadcast.program.scene import Scene
from media.broadcast.register.values import Broadcast
from media.signal.hall import Hall

logger = logging.getLogger(__name__)

#: What makes it run, once there is something to show: `from_call` as of `Producer.coded_always`.
MakeRunning = Callable[[Broadcast, bool, Board], Running]


@define(eq=False, kw_only=True)
class OnAir:
    """Attributes:

    make: starts with the first scene, so that sizes are those of who publishes.
    group: holds the task. taps: of publishers of WHIP. clock: seconds of the loop.
    again: it ran before this process began, or before somebody else published.
    """

    broadcast: Broadcast
    make: MakeRunning
    group: asyncio.TaskGroup
    taps: Tapping
    clock: Callable[[], float]
    again: bool = False
    board: Board = field(factory=Board)
    running: Running | None = None
    _task: asyncio.Task[None] | None = None
    _published: Scene | None = None
    _program: CallProgram | None = None
    _over: bool = False

    def publish(self, scene: Scene | None) -> None:
        """What WHIP has on air; None: nobody publishes (any more)."""
        self._published = scene
        if self._program is None:
            self._show()

    def choose(self, hall: Hall, choice: Choice) -> Refusal | None:
        """Of a call, instead of a publisher. A refusal changes nothing."""
        why = on_air(hall.room.view(self.clock()), choice).why
        if why is None:
            if self._program is None or self._program.hall is not hall:
                self._program = CallProgram(hall, self.clock)
            self._program.choice = choice
            self._show()
        return why

    def leave_call(self) -> None:
        """Back to whoever publishes."""
        if self._program is not None:
            self._program = None
            self._show()

    @property
    def from_call(self) -> bool:
        """Whether a host has put a call on the air."""
        return self._program is not None

    def look(self) -> None:
        """Often: somebody who leaves the spotlight is off the air at once (R48); a call may have ended."""
        program = self._program
        if program is None:
            return
        if not program.hall.clients:
            self.leave_call()
        else:
            self._show()

    def seen(self, publishers: int) -> OnStage:
        shown = self.running is not None or self.again
        sentences = self.board.sentences(self.clock())
        if not shown or (self._program is None and self._published is None):
            sentences = (NOBODY, *sentences)
        return OnStage(
            opened=self.again or (self.running is not None and self.running.opened),
            publishers=publishers,
            speaker="" if self._program is None else speaking.key_of(self._program.choice),
            notices=sentences,
        )

    def end(self) -> None:
        """The last is written; harmless when it is said twice."""
        self._over = True
        if self.running is not None:
            self.running.stop()

    def cancel(self) -> None:
        """The process stops: it goes on in another one."""
        self._over = True
        if self._task is not None:
            self._task.cancel()

    def _show(self) -> None:
        program = self._program
        scene = self._published if program is None else program.look()
        if self._over:
            return
        if scene is None:
            if self.running is not None:
                self.running.clear()
            return
        if self.running is None:
            self.running = self.make(self.broadcast, program is not None, self.board)
            self._task = self.group.create_task(self._run(self.running))
        self.running.show(scene, self.taps if program is None else CallTaps(program.hall))

    async def _run(self, running: Running) -> None:
        try:
            await running.run()
        except Exception:
            logger.exception("a broadcast ended by a bug broadcast=%s", self.broadcast.id)
        finally:
            if self.running is running and not self._over:
                self.running = None  # the next scene begins anew
                self.again = True
