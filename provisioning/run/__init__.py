"""`sferum run`: Synapse with the module, the pages, calls and a sample school on this machine.

Wires the parts together. place, settings, demo, screen: pure. files, child, programs, loopback: disk, processes,
HTTP. school, pages: the steps.
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
from provisioning.run import programs, screen, trouble
from provisioning.run.child import Child, Clock
from provisioning.run.demo import DemoState, choose
from provisioning.run.files import CALL_PAGES, PLAYER, locked, write, write_configuration
from provisioning.run.follow import follow
from provisioning.run.loopback import Loopback
from provisioning.run.options import MEDIA_AFTER, PUPILS, Options, parse
from provisioning.run.pages import Pages, answers
from provisioning.run.place import Place, url_of
from provisioning.run.school import Setup
from provisioning.run.settings import Calls
from provisioning.run.stopping import Stopped, Stopping
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
        """Start, set up, print; then follow the logs, unless once."""
        with locked(self.place), self.stopping.listening():
            synapse = Child(programs.synapse(self.place), self.clock)
            bridge = Child(programs.bridge(self.place), self.clock)
            media = Child(programs.media(self.place), self.clock)
            try:
                self._serve(synapse, bridge, media)
            except Stopped:
                return 0 if self._ready else trouble.EXIT_INTERRUPTED
            finally:
                self.stopping.ignore()
                media.stop()
                bridge.stop()
                synapse.stop()
        return 0

    def _serve(self, synapse: Child, bridge: Child, media: Child) -> None:
        language = self.options.language
        began = self.clock.now()
        state = self._state()
        for child in (synapse, bridge, media):
            self._stop_leftover(child)
        self._check_ports()
        port, pages_url = self.options.port, url_of(self.options.pages_port)
        calls = Calls(
            port=self.options.calls_port,
            media_port=self.options.calls_port + MEDIA_AFTER,
            address=programs.own_address(),
            pages=CALL_PAGES if (CALL_PAGES / "index.html").is_file() else None,
            player=PLAYER if (PLAYER / "hls.light.min.js").is_file() else None,
        )
        write_configuration(self.place, port, self.options.pages_port, calls)
        self._stage(
            "Запускаются Synapse, страницы регистрации и сервер звонков",
            "Starting Synapse, the onboarding pages and the calls server",
        )
        with self.stopping.held():
            synapse.start()
            bridge.start()  # it waits for Synapse by itself
            media.start()
        token = self.place.service_token.read_text("ascii").strip()
        homeserver = Homeserver.connect(url_of(port), token, self.clock.sleep)
        loopback = Loopback.connect(url_of(port), token)
        pages = Pages(
            place=self.place,
            url=pages_url,
            state=state,
            save=lambda: write(self.place.demo, state.to_json()),
        )
        pause = self._pause(synapse, bridge, media)
        try:
            synapse.wait_until(loopback.is_ready)
            bridge.wait_until(pages.are_ready)
            media.wait_until(lambda: answers(f"{calls.url}/healthz"))
            self._set_up(state, homeserver, loopback, pages, bridge, pause)
        finally:
            loopback.close()
            homeserver.close()
        for line in screen.welcome(
            self.place, port, pages_url, calls, state, _own_command(), language
        ):
            click.echo(line)
        seconds = self.clock.now() - began
        click.echo(f"\n{screen.ready_line(seconds, language)}")
        self._ready = True
        if not self.options.once:
            click.echo(screen.stop_hint(language))
            logs = dict.fromkeys(
                (self.place.brief_log, self.place.bridge_log, self.place.media_log),
                screen.is_worth_showing,
            )
            follow(logs, click.echo, pause)

    def _stop_leftover(self, child: Child) -> None:
        pid = child.stop_leftover()
        if pid is not None:
            name = child.program.name
            self._stage(
                f"{name} (процесс {pid}): остался от прерванного запуска, остановлен",
                f"{name} (process {pid}) was left by a run that was cut off; stopped it",
            )

    def _check_ports(self) -> None:
        """All are free, and no two are the same."""
        port, pages_port, calls_port = (
            self.options.port,
            self.options.pages_port,
            self.options.calls_port,
        )
        if not programs.port_is_free(port):
            raise trouble.port_taken(port, programs.free_port_after(port))
        if pages_port == port or not programs.port_is_free(pages_port):
            free = programs.free_port_after(max(port, pages_port))
            raise trouble.port_taken(pages_port, free, "--pages-port")
        for one in (calls_port, calls_port + MEDIA_AFTER):
            if one in {port, pages_port} or not programs.port_is_free(one):
                free = programs.free_port_after(max(port, pages_port, calls_port))
                raise trouble.port_taken(one, free, "--calls-port")

    def _set_up(
        self,
        state: DemoState,
        homeserver: Homeserver,
        loopback: Loopback,
        pages: Pages,
        bridge: Child,
        pause: Callable[[float], None],
    ) -> None:
        """Whatever is not there yet; nothing the second time."""
        now = datetime.now(UTC)  # noqa: TID251 - this is where the program reads the clock
        if state.ready and state.are_links_good(now):
            return
        roster = generate(SEED, state.pupils)
        if not state.ready:
            setup = Setup(
                homeserver=homeserver,
                loopback=loopback,
                state=state,
                registration_secret=self.place.registration_secret.read_text("ascii").strip(),
                save=pages.save,
                stage=self._stage,
                progress=self._progress,
                pause=pause,
                now=self.clock.now,
            )
            setup.run(roster, choose(roster, now.date()))
            self._end_of_progress()
        self._stage("Телефоны и ссылки для пробы", "Phones and links to try")
        try:
            with self.stopping.held():
                pages.prepare(roster)
        except trouble.Trouble as found:
            if not state.links:
                raise
            # The visitor may have dismissed the demo director since: the school is theirs.
            click.echo(found.sentence(self.options.language))
        bridge.wait_until(pages.is_bot_there)

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

    def _pause(self, *children: Child) -> Callable[[float], None]:
        def pause(seconds: float) -> None:
            for child in children:
                child.check()
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
