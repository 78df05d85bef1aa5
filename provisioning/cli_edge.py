"""What every command shares: connection options, language, exit codes, the clock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast, get_args

import click
from attrs import frozen

from provisioning.bridge import Bridge
from provisioning.homeserver import Homeserver
from provisioning.language import language_of, say
from provisioning.problem_texts import Language
from provisioning.refusals import NoToken, Refusal, Unreachable

F = TypeVar("F", bound=Callable[..., Any])

EXIT_PROBLEMS, EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_UNFINISHED = 1, 3, 4, 5
CONFIRMED_INTERRUPT = (
    "Прервано. Ничего не испорчено: повторите ту же команду, она продолжит.",
    "Interrupted. Nothing is broken: repeat the same command and it goes on.",
)


@frozen
class Connection:
    """Where the server is and what proves who we are; the token is in a file, never an argument."""

    url: str
    token_file: Path
    insecure: bool

    @contextmanager
    def open(self) -> Iterator[Homeserver]:
        homeserver = Homeserver.connect(self.url, self._token(), time.sleep, insecure=self.insecure)
        try:
            yield homeserver
        finally:
            homeserver.close()

    def bridge(self, url: str) -> Bridge:
        """The onboarding service on this machine, with the same token.

        Raises:
            NotThisMachine, NoToken.
        """
        return Bridge.connect(url, self._token())

    def _token(self) -> str:
        try:
            token = self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise NoToken from None
        if not token or not token.isascii() or any(c.isspace() for c in token):
            raise NoToken
        return token


def connected(command: F) -> F:
    """Options `--url`, `--token-file`, `--insecure` as one `connection`, and `--lang` as `language`."""

    def wrapped(url: str, token_file: Path, insecure: bool, lang: str | None, **rest: Any) -> Any:
        language = chosen_language(lang)
        with refusals_told(language):
            connection = Connection(url, token_file, insecure)
            return command(connection=connection, language=language, **rest)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__dict__.update(command.__dict__)  # click keeps the parameters there
    for option in (
        click.option(
            "--url",
            envvar="SFERUM_URL",
            default="http://127.0.0.1:8008",
            show_default=True,
            show_envvar=True,
            help="Address of the homeserver.",
        ),
        click.option(
            "--token-file",
            envvar="SFERUM_TOKEN_FILE",
            default=Path("var/service.token"),
            type=click.Path(path_type=Path),
            show_default=True,
            show_envvar=True,
            help="File that holds the access token.",
        ),
        click.option("--insecure", is_flag=True, help="Allow plain http to another machine."),
        language_option,
    ):
        wrapped = option(wrapped)
    return cast("F", wrapped)


def language_option(command: F) -> F:
    choices = click.Choice([str(word) for word in get_args(Language)])
    option = click.option("--lang", type=choices, help="Language of messages [by locale].")
    return option(command)


def chosen_language(lang: str | None) -> Language:
    return cast("Language", lang) if lang else current_language()


def current_language() -> Language:
    return language_of(os.environ)


@contextmanager
def refusals_told(language: Language) -> Iterator[None]:
    """A refusal ends the command with its sentence, not with a traceback."""
    try:
        yield
    except Refusal as refusal:
        code = EXIT_UNREACHABLE if isinstance(refusal, Unreachable) else EXIT_REFUSED
        stop(code, refusal.sentence(language))


def stop(code: int, sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(code)


def today() -> date:
    return datetime.now(UTC).astimezone().date()


def only_org(homeserver: Homeserver, stated: str | None, language: Language) -> str:
    """The school meant: the one stated, or the only one of this server."""
    if stated:
        return stated
    orgs = [str(org.get("org_id")) for org in homeserver.orgs()]
    if len(orgs) != 1:
        stop(
            2,
            say(
                language,
                f"на сервере несколько школ или ни одной; укажите --org ({', '.join(orgs)})",
                f"the server has several schools or none; say --org ({', '.join(orgs)})",
            ),
        )
    return orgs[0]
