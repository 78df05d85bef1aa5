"""What every command of `sferum district` shares: the folder, the language, the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from provisioning.cli_edge import chosen_language, language_option, refusals_told
from provisioning.district.folder import Folder
from provisioning.language import say
from provisioning.problem_texts import Language

F = TypeVar("F", bound=Callable[..., Any])


def in_folder(command: F) -> F:
    """Options `--dir` as `folder` and `--lang` as `language`; a refusal is told as one sentence."""

    def wrapped(dir_: Path, lang: str | None, **rest: Any) -> Any:
        language = chosen_language(lang)
        with refusals_told(language):
            return command(folder=Folder(dir_), language=language, **rest)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__dict__.update(command.__dict__)  # click keeps the parameters there
    option = click.option(
        "--dir",
        "dir_",
        default=Path("district"),
        show_default=True,
        envvar="SFERUM_DISTRICT",
        type=click.Path(path_type=Path, file_okay=False),
        help="The operator's folder, with the keys.",
    )
    return cast("F", option(language_option(wrapped)))


def tell(language: Language, ru: str, en: str) -> None:
    click.echo(say(language, ru, en))


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())
