"""The progress bar: waits until the server's rooms follow its directory."""

from __future__ import annotations

from collections.abc import Callable

import click

from provisioning.cli_edge import EXIT_UNFINISHED, stop
from provisioning.homeserver import Answer, Homeserver
from provisioning.language import say
from provisioning.problem_texts import Language
from provisioning.report import progress_words
from provisioning.settling import Outcome, Settling

POLL_S = 1.0

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


def wait_until_settled(
    homeserver: Homeserver,
    org: str,
    language: Language,
    *,
    patience_s: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    quiet: bool,
) -> Answer:
    """Poll until settled; ends the command with exit code 5 when that cannot be awaited.

    Returns:
        The last progress answer.
    """
    settling = Settling(patience_s)
    progress = homeserver.progress(org)
    done, total = settling.done_of(progress)
    outcome = settling.outcome(progress, clock())
    if not quiet and outcome is Outcome.WORKING:
        label = say(language, "Чаты", "Rooms")
        with click.progressbar(
            length=total, label=label, item_show_func=lambda item: item, show_eta=False
        ) as bar:
            shown = 0
            while outcome is Outcome.WORKING:
                bar.length = total
                bar.update(max(0, done - shown), progress_words(progress, language))
                shown = max(shown, done)
                sleep(POLL_S)
                progress = homeserver.progress(org)
                done, total = settling.done_of(progress)
                outcome = settling.outcome(progress, clock())
            if outcome in {Outcome.SETTLED, Outcome.DEAD_JOBS}:
                bar.update(total - shown, progress_words(progress, language))
    while outcome is Outcome.WORKING:
        sleep(POLL_S)
        progress = homeserver.progress(org)
        outcome = settling.outcome(progress, clock())
    if outcome in ENDINGS:
        stop(EXIT_UNFINISHED, say(language, *ENDINGS[outcome]))
    if not quiet:
        click.echo(say(language, "Готово: чаты соответствуют спискам.", "Done: rooms match lists."))
    return progress
