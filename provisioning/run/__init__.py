"""`sferum run`: Synapse with the module and a sample school on this machine. Wires the parts together.

place, settings, demo, screen: pure. files, synapse, loopback: disk, process, HTTP. school: the steps.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from attrs import define, field

from provisioning.homeserver import Homeserver
from provisioning.language import language_of
from provisioning.refusals import Refusal
from provisioning.run import screen, trouble
from provisioning.run.demo import DemoState, choose
from provisioning.run.files import locked, write, write_configuration
from provisioning.run.follow import follow
from provisioning.run.loopback import Loopback
from provisioning.run.options import PUPILS, Options, parse
from provisioning.run.place import Place, url_of
from provisioning.run.school import Setup
from provisioning.run.stopping import Stopped, Stopping
from provisioning.run.synapse import Clock, Synapse, free_port_after, port_is_free, stop_leftover
from provisioning.sample import generate

#: The default of `sferum sample`: its files are this very school.
SEED = 1


def main(argv: Sequence[str]) -> int:
    """Run until stopped; exit codes are in `--help`."""
    options = parse(argv, language_of(os.environ))
    clock = Clock(time.monotonic, time.sleep)  # noqa: TID251 - the one clock of this program
    try:
        return Run(options, Place(options.root), clock).run()
    except trouble.Trouble as found:
        click.echo(found.sentence(options.language), err=True)
        return found.code
    except Refusal as refusal:
        click.echo(refusal.sentence(options.language), err=True)
        return trouble.EXIT_REFUSED


def _own_command() -> str:
    """How to call `sferum` here: `make run` has put nothing on the PATH."""
    if shutil.which("sferum"):
        return "sferum"
    path = Path(sys.executable).with_name("sferum")
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@define
class Run:
    """One run from the first line on the screen to the last child's end."""

    options: Options
    place: Place
    clock: Clock
    stopping: Stopping = field(factory=Stopping)
    _ready: bool = False
    _last_progress: str = ""

    def run(self) -> int:
        """Start, set up, print; then follow the log, unless once."""
        with locked(self.place), self.stopping.listening():
            synapse = Synapse(self.place, self.clock)
            try:
                self._serve(synapse)
            except Stopped:
                return 0 if self._ready else trouble.EXIT_INTERRUPTED
            finally:
                self.stopping.ignore()
                synapse.stop()
        return 0

    def _serve(self, synapse: Synapse) -> None:
        language = self.options.language
        began = self.clock.now()
        state = self._state()
        pid = stop_leftover(self.place, self.clock)
        if pid is not None:
            self._stage(
                f"Synapse (процесс {pid}) остался от прерванного запуска, остановлен",
                f"Synapse (process {pid}) was left by a run that was cut off; stopped it",
            )
        port = self.options.port
        if not port_is_free(port):
            raise trouble.port_taken(port, free_port_after(port))
        write_configuration(self.place, port)
        self._stage("Запускается Synapse", "Starting Synapse")
        with self.stopping.held():
            synapse.start()
        token = self.place.service_token.read_text("ascii").strip()
        homeserver = Homeserver.connect(url_of(port), token, self.clock.sleep)
        loopback = Loopback.connect(url_of(port), token)
        try:
            synapse.wait_until(loopback.is_ready)
            if not state.ready:
                self._set_up(state, homeserver, loopback, self._pause(synapse))
        finally:
            loopback.close()
            homeserver.close()
        for line in screen.welcome(self.place, port, state, _own_command(), language):
            click.echo(line)
        seconds = self.clock.now() - began
        click.echo(f"\n{screen.ready_line(seconds, language)}")
        self._ready = True
        if not self.options.once:
            click.echo(screen.stop_hint(language))
            follow(self.place.brief_log, click.echo, self._pause(synapse))

    def _set_up(
        self,
        state: DemoState,
        homeserver: Homeserver,
        loopback: Loopback,
        pause: Callable[[float], None],
    ) -> None:
        roster = generate(SEED, state.pupils)
        today = datetime.now(UTC).date()  # noqa: TID251 - this is where the program reads the clock
        setup = Setup(
            homeserver=homeserver,
            loopback=loopback,
            state=state,
            registration_secret=self.place.registration_secret.read_text("ascii").strip(),
            save=lambda: write(self.place.demo, state.to_json()),
            stage=self._stage,
            progress=self._progress,
            pause=pause,
            now=self.clock.now,
        )
        setup.run(roster, choose(roster, today))
        self._end_of_progress()

    def _state(self) -> DemoState:
        """What an earlier start left in var/demo.json."""
        asked = self.options.pupils
        if not self.place.demo.exists():
            return DemoState(asked or PUPILS)
        try:
            state = DemoState.from_json(self.place.demo.read_text("utf-8"))
        except (ValueError, KeyError, TypeError):
            raise trouble.bad_demo(self.place.demo) from None
        if asked is not None and asked != state.pupils:
            raise trouble.other_size(self.place.root, state.pupils, asked)
        return state

    def _pause(self, synapse: Synapse) -> Callable[[float], None]:
        def pause(seconds: float) -> None:
            synapse.check()
            self.clock.sleep(seconds)

        return pause

    def _stage(self, ru: str, en: str) -> None:
        click.echo(screen.stage_line(ru, en, self.options.language))

    def _progress(self, progress: Mapping[str, Any]) -> None:
        """On a terminal one line that changes; in a file only the last one."""
        line = screen.progress_line(progress, self.options.language)
        if sys.stdout.isatty():
            click.echo(f"\r{line}", nl=False)
        self._last_progress = line

    def _end_of_progress(self) -> None:
        click.echo("" if sys.stdout.isatty() else self._last_progress)
