"""`sferum sample DIR`: a made-up school to try things out with."""

from __future__ import annotations

from pathlib import Path

import click

from provisioning.cli_edge import chosen_language, language_option
from provisioning.report import roster_line
from provisioning.roster_csv import write_csv
from provisioning.sample import generate


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--pupils", default=300, show_default=True, type=click.IntRange(30, 50_000))
@click.option("--seed", default=1, show_default=True, help="Another number, another school.")
@language_option
def sample(folder: Path, pupils: int, seed: int, lang: str | None) -> None:
    """Write a made-up school's lists (CSV) into FOLDER; the same seed gives the same school."""
    roster = generate(seed, pupils)
    for path in write_csv(roster, folder):
        click.echo(str(path))
    click.echo(roster_line(roster, chosen_language(lang)))
