"""The `sferum` command. Every command group is a module of its own, loaded when called.

click rather than argparse: progress bars, prompts and lazily loaded groups, all with a test runner.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from provisioning.cli_edge import CONFIRMED_INTERRUPT, current_language
from provisioning.language import say

#: command → (module, attribute, one line of help)
COMMANDS = {
    "roster": (
        "provisioning.cli_roster",
        "roster",
        "Read, check, plan and apply a school's lists.",
    ),
    "year": (
        "provisioning.cli_year",
        "year",
        "Promote a school to the next year: plan, apply, undo.",
    ),
    "class": (
        "provisioning.cli_class",
        "class_group",
        "Move pupils; split and merge classes; substitutes.",
    ),
    "org": ("provisioning.cli_org", "org", "Create and list schools; look at failed tasks."),
    "why": ("provisioning.cli_why", "why", "Why somebody is, or is not, in a room."),
    "export": ("provisioning.cli_export", "export", "Member lists as text or CSV."),
    "district": (
        "provisioning.cli_district",
        "district",
        "The signed register of a district's schools.",
    ),
    "sample": ("provisioning.cli_sample", "sample", "Write a made-up school as CSV files."),
}
#: Programs with their own arguments: `main(argv) -> int`.
PROGRAMS = {
    "run": ("provisioning.run", "Start everything on this machine."),
    "doctor": ("provisioning.doctor", "Check an installation."),
}


class LazyGroup(click.Group):
    """Imports a command's module only when that command is called: `sferum run` needs no openpyxl."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *PROGRAMS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module, attribute, _ = COMMANDS[cmd_name]
            command = getattr(importlib.import_module(module), attribute)
            assert isinstance(command, click.Command)
            return command
        return _program(cmd_name) if cmd_name in PROGRAMS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, _, text) in COMMANDS.items()]
        rows += [(name, text) for name, (_, text) in PROGRAMS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _program(name: str) -> click.Command:
    module, text = PROGRAMS[name]

    @click.command(
        name,
        help=text,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("argv", nargs=-1, type=click.UNPROCESSED)
    def program(argv: tuple[str, ...]) -> None:
        try:
            run = importlib.import_module(module).main
        except ModuleNotFoundError as error:
            raise click.ClickException(f"`sferum {name}` needs {error.name}") from None
        raise SystemExit(run(list(argv)))

    return program


@click.command(cls=LazyGroup)
def sferum() -> None:
    """Sferum on Matrix: a school's lists, rooms and servers."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Returns:
        0 done; 1 problems in the files; 2 wrong usage; 3 the server refused; 4 it does not answer;
        5 it has not finished yet; 130 interrupted.
    """
    try:
        result = sferum.main(args=argv, prog_name="sferum", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(say(current_language(), *CONFIRMED_INTERRUPT), err=True)
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
