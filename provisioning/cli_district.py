"""`sferum district`: the signed register of a district's schools, for whoever runs the district."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from provisioning.cli_district_edge import in_folder, now, tell
from provisioning.cli_district_status import status
from provisioning.district import draft as drafts
from provisioning.district import issuing, refusals, signing
from provisioning.district.draft import MOST_DAYS, USUAL_DAYS
from provisioning.district.folder import Folder
from provisioning.problem_texts import Language

DAYS = click.option(
    "--days",
    default=USUAL_DAYS,
    show_default=True,
    type=click.IntRange(1, MOST_DAYS),
    help="How long the register is good for.",
)


@click.group()
def district() -> None:
    """The signed register of a district's schools: who may meet whom, and how they stand."""


district.add_command(status)


@district.command()
@click.argument("name_of_district", metavar="DISTRICT")
@click.argument("name")
@in_folder
def init(folder: Folder, language: Language, name_of_district: str, name: str) -> None:
    """Begin a register: DISTRICT is its name for machines, such as district-56.example, NAME the one for people."""
    drafts.new_draft(name_of_district, name, "")  # refused before anything is written
    folder.begin()
    key = signing.public(folder.make_key(1, signing.new_key()))
    folder.write(drafts.new_draft(name_of_district, name, key))
    tell(
        language,
        f"Реестр начат в папке {folder.path}. Сделайте копию папки и никому не показывайте operator-1.key.\n"
        "Каждая школа пишет в homeserver.yaml, в настройки модуля:",
        f"The register is begun in {folder.path}. Make a copy of the folder and show operator-1.key to nobody.\n"
        "Each school writes into homeserver.yaml, into the module's options:",
    )
    click.echo(f"      district: {name_of_district}")
    click.echo(f"      district_url: https://{name_of_district}/register.json")
    click.echo(f"      district_key: ed25519:{key}")
    click.echo("      district_cache_path: /var/lib/matrix-synapse/sferum-register.json")


@district.command("add-school")
@click.argument("server_name", metavar="SERVER")
@click.argument("name")
@click.option(
    "--contact", required=True, help="Whom to ask at this school: an office, not a person."
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    required=True,
    metavar="ed25519:ID=KEY",
    help="The server's signing key, from https://SERVER/_matrix/key/v2/server. Repeat for several.",
)
@click.option(
    "--address",
    default="",
    metavar="URL",
    help="Where its homeserver answers clients [https://SERVER]; `status` asks there.",
)
@in_folder
def add_school(
    folder: Folder,
    language: Language,
    server_name: str,
    name: str,
    contact: str,
    keys: tuple[str, ...],
    address: str,
) -> None:
    """Let a school in, or write its entry anew."""
    before = folder.read()
    after = drafts.with_school(before, server_name, name, contact, keys, address)
    folder.write(after)
    if server_name in before.schools:
        tell(
            language,
            f"Запись школы {server_name} заменена. {SIGN_RU}",
            f"The entry of {server_name} is replaced. {SIGN_EN}",
        )
    else:
        tell(
            language,
            f"Школа {server_name} добавлена, всего {len(after.schools)}. {SIGN_RU}",
            f"{server_name} is added, {len(after.schools)} in all. {SIGN_EN}",
        )


@district.command("remove-school")
@click.argument("server_name", metavar="SERVER")
@in_folder
def remove_school(folder: Folder, language: Language, server_name: str) -> None:
    """Take a school out: ten minutes after publishing it is a stranger to the others."""
    folder.write(drafts.without_school(folder.read(), server_name))
    tell(
        language,
        f"Школы {server_name} в реестре больше нет. {SIGN_RU}",
        f"{server_name} is out of the register. {SIGN_EN}",
    )


@district.command()
@click.argument("server_name", metavar="SERVER")
@click.option("--off", is_flag=True, help="Let it in again.")
@click.option(
    "--publish",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Sign and publish there at once.",
)
@DAYS
@in_folder
def isolate(
    folder: Folder, language: Language, server_name: str, off: bool, target: Path | None, days: int
) -> None:
    """In an emergency: cut a school off from all others, with one command."""
    folder.write(drafts.with_isolation(folder.read(), server_name, not off))
    done_ru, done_en = ("снова со всеми", "is with the others again")
    if not off:
        done_ru, done_en = ("отрезана от остальных", "is cut off from the others")
    if target is None:
        tell(
            language,
            f"Школа {server_name} {done_ru}. {SIGN_RU}",
            f"{server_name} {done_en}. {SIGN_EN}",
        )
        return
    issuing.sign(folder, now(), days)
    issuing.publish(folder, target, now())
    tell(
        language,
        f"Школа {server_name} {done_ru}; реестр опубликован, школы узнают в течение десяти минут.",
        f"{server_name} {done_en}; the register is published, schools learn of it within ten minutes.",
    )


@district.command()
@click.argument("words", nargs=-1, metavar="[WORD:WORD]...")
@in_folder
def pairs(folder: Folder, language: Language, words: tuple[str, ...]) -> None:
    """Which roles of two schools may meet, exactly: staff:staff is the beginning; none given: nobody."""
    after = drafts.with_pairs(folder.read(), words)
    folder.write(after)
    shown = ", ".join(":".join(pair) for pair in after.pairs) or "—"
    tell(language, f"Встречаются: {shown}. {SIGN_RU}", f"Meet: {shown}. {SIGN_EN}")


@district.command("add-room")
@click.argument("ref", metavar="REF")
@click.argument("name")
@click.option("--host", required=True, metavar="SERVER", help="Which school's server makes it.")
@click.option("--members", multiple=True, required=True, metavar="ROLE", help="Repeat for several.")
@click.option(
    "--writers",
    multiple=True,
    metavar="ROLE",
    help="The same as --members: everybody writes. Else only the host's people of these roles do.",
)
@click.option("--subject", default="", help="Only teachers of it.")
@in_folder
def add_room(
    folder: Folder,
    language: Language,
    ref: str,
    name: str,
    host: str,
    members: tuple[str, ...],
    writers: tuple[str, ...],
    subject: str,
) -> None:
    """A room of several schools, or its entry anew; each school puts in its own people."""
    folder.write(drafts.with_room(folder.read(), ref, name, host, members, writers, subject))
    tell(
        language,
        f"Комната {ref} записана, её создаст {host}. {SIGN_RU}",
        f"Room {ref} is in the register, {host} makes it. {SIGN_EN}",
    )


@district.command("remove-room")
@click.argument("ref", metavar="REF")
@in_folder
def remove_room(folder: Folder, language: Language, ref: str) -> None:
    """Everybody leaves the room, and nobody reads it any more."""
    folder.write(drafts.without_room(folder.read(), ref))
    tell(
        language,
        f"Комнаты {ref} в реестре больше нет: после публикации все из неё выйдут. {SIGN_RU}",
        f"Room {ref} is out of the register: once published, everybody leaves it. {SIGN_EN}",
    )


@district.command()
@DAYS
@in_folder
def sign(folder: Folder, language: Language, days: int) -> None:
    """Sign the register as it is now, with the next serial."""
    document = issuing.sign(folder, now(), days)
    tell(
        language,
        f"Подписан реестр № {document['serial']}: школ {len(document['schools'])}, действует до "
        f"{_day(document['expires'])}. Дальше: sferum district publish ФАЙЛ",
        f"Register {document['serial']} is signed: {len(document['schools'])} schools, good until "
        f"{_day(document['expires'])}. Next: sferum district publish FILE",
    )


@district.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--key", help="The operator's key, as in homeserver.yaml [of the folder].")
@click.option("--district", "name", help="Its district [of the folder].")
@in_folder
def verify(
    folder: Folder, language: Language, file: Path, key: str | None, name: str | None
) -> None:
    """Check a register as a school would; exit code 3 when a school would refuse it."""
    if key is None or name is None:
        held = folder.read()
        key, name = key or held.operator_keys[0].key, name or held.district
    document = issuing.verified(file, name, key.removeprefix("ed25519:"), now())
    tell(
        language,
        f"Реестр № {document['serial']} округа {name}: подпись верна, школ {len(document['schools'])}, "
        f"действует до {_day(document['expires'])}",
        f"Register {document['serial']} of {name}: well signed, {len(document['schools'])} schools, "
        f"good until {_day(document['expires'])}",
    )


@district.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@in_folder
def publish(folder: Folder, language: Language, target: Path) -> None:
    """Put the signed register where the web server of the district serves it."""
    document = issuing.publish(folder, target, now())
    tell(
        language,
        f"Реестр № {document['serial']} опубликован; школы возьмут его в течение десяти минут.",
        f"Register {document['serial']} is published; schools take it within ten minutes.",
    )


@district.command("rotate-key")
@in_folder
def rotate_key(folder: Folder, language: Language) -> None:
    """Make a new key, named by the one of now. Schools follow by themselves."""
    before = folder.read()
    number = len(before.operator_keys) + 1
    if number > drafts.MOST_OPERATOR_KEYS:
        raise refusals.TooMany(f"{number} > {drafts.MOST_OPERATOR_KEYS}")
    old = folder.signing_key(before)
    new = signing.public(folder.make_key(number, signing.new_key()))
    folder.write(
        drafts.with_key(before, signing.link(before.district, before.operator_keys, old, new))
    )
    tell(
        language,
        f"Новый ключ — operator-{number}.key. {SIGN_RU} Когда все школы возьмут новый реестр, удалите "
        f"operator-{number - 1}.key, а в новых школах пишите district_key: ed25519:{new}. Если старый ключ украден, "
        "замените district_key и в остальных школах.",
        f"The new key is operator-{number}.key. {SIGN_EN} When all schools have the new register, delete "
        f"operator-{number - 1}.key, and write district_key: ed25519:{new} in new schools. If the old key was stolen, "
        "replace district_key in the other schools, too.",
    )


SIGN_RU = "Дальше: sferum district sign"
SIGN_EN = "Next: sferum district sign"


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%d.%m.%Y")
