"""The progress bar: waits until the server's rooms follow its directory."""

from __future__ import annotations

from collections.abc import Callable

import click
from attrs import define

from provisioning.cli_edge import EXIT_UNFINISHED, stop
from provisioning.homeserver import Answer, Homeserver
from provisioning.language import say
from provisioning.problem_texts import Language
from provisioning.report import progress_words
from provisioning.settling import Outcome, Settling

POLL_S = 1.0

DONE = ("Готово: чаты соответствуют спискам.", "Done: the rooms are as the lists say.")
ENDINGS: dict[Outcome, tuple[str, str]] = {
    Outcome.STALLED: (
        "Сервер давно не продвигается. Данные записаны; повторите команду позже или посмотрите "
        "sferum doctor.",
        "The server has made no progress for long. The data are written; repeat the command later "
        "or look at sferum doctor.",
    ),
    Outcome.HELD: (
        "Сервер остановился и ждёт решения человека: изменение чатов слишком велико. Если списки "
        "верны, повторите команду с --force.",
        "The server has stopped and waits for a person: the change to the rooms is too large. If "
        "the lists are right, repeat with --force.",
    ),
    Outcome.DEAD_JOBS: (
        "Готово, кроме неудавшихся заданий; посмотрите их: sferum org jobs",
        "Done, except for tasks that failed; look at them: sferum org jobs",
    ),
}


@define
class Wait:
    """Polls one school's progress and draws the bar.

    Attributes:
        force: sanction a change of the rooms that the server holds back as too large, once.
        clock, sleep: seconds; passed in so that tests do not wait.
    """

    homeserver: Homeserver
    org: str
    language: Language
    settling: Settling
    force: bool
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def until_settled(self, *, quiet: bool) -> Answer:
        """Poll until settled; ends the command with exit code 5 when that cannot be awaited.

        Returns:
            The last progress answer.
        """
        progress, outcome = self._look()
        if outcome is Outcome.WORKING and not quiet:
            progress, outcome = self._with_bar(progress)
        while outcome is Outcome.WORKING:
            self.sleep(POLL_S)
            progress, outcome = self._look()
        if outcome in ENDINGS:
            stop(EXIT_UNFINISHED, say(self.language, *ENDINGS[outcome]))
        if not quiet:
            click.echo(say(self.language, *DONE))
        return progress

    def _look(self) -> tuple[Answer, Outcome]:
        progress = self.homeserver.progress(self.org)
        outcome = self.settling.outcome(progress, self.clock())
        if outcome is Outcome.HELD and self.force:
            self.force = False
            self.homeserver.sanction(self.org)
            outcome = Outcome.WORKING
        return progress, outcome

    def _with_bar(self, progress: Answer) -> tuple[Answer, Outcome]:
        done, total = self.settling.done_of(progress)
        label = say(self.language, "Чаты", "Rooms")
        outcome = Outcome.WORKING
        with click.progressbar(
            length=total, label=label, item_show_func=lambda item: item, show_eta=False
        ) as bar:
            shown = 0
            while outcome is Outcome.WORKING:
                bar.length = total
                bar.update(max(0, done - shown), progress_words(progress, self.language))
                shown = max(shown, done)
                self.sleep(POLL_S)
                progress, outcome = self._look()
                done, total = self.settling.done_of(progress)
            bar.update(max(0, done - shown), progress_words(progress, self.language))
        return progress, outcome
