"""Lists over the pages: read, mended, planned, agreed to, written; and everything that must not happen (R21, R33)."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
from typing import Any

import aiohttp
import pytest

from bridge.contact import Medium, Phone, subject
from bridge.people import SourceKey, Status
from bridge.records import Action, UploadId
from bridge.roles import Role
from tests.bridge.web.lists import csv, everything, staff, students
from tests.bridge.web.world import Reply, Visitor, World
from tests.support.polling import until_async
from tests.support.rosters import SCHOOL86

HASH = re.compile(r'name="plan" value="([0-9a-f]{64})"')
NEW_PUPIL = ("U9", "Новикова", "Зоя", "2014-01-01", "5А", "+79161000099", "")


def with_newcomer() -> bytes:
    return students() + b"\r\n" + ";".join(NEW_PUPIL).encode()


async def uploaded(visitor: Visitor, *files: tuple[str, bytes], **fields: str) -> str:
    """The address of an upload that was taken."""
    reply = await visitor.upload("/school/roster", *files, **fields)
    assert reply.status == 303, reply.text[:2000]
    return reply.location


async def apply(visitor: Visitor, path: str, shown: Reply, **fields: str) -> Reply:
    """Press the button of a shown difference."""
    found = HASH.search(shown.text)
    assert found is not None, shown.text[:3000]
    return await visitor.post(f"{path}/apply", plan=found[1], **fields)


async def test_a_list_becomes_people_and_their_phones_are_known(world: World) -> None:
    """From files to a written difference: the newcomer is there, her phone as a hash, the files are gone."""
    await world.let_in("A1")
    visitor = await world.visitor("A1")
    path = await uploaded(visitor, *everything(students=with_newcomer()))
    shown = await visitor.get(path)
    assert shown.status == 200
    assert "новых людей: <strong>1</strong>" in shown.text
    assert await world.services.directory.by_source(world.org_id, SourceKey("csv", "U9")) is None

    done = await apply(visitor, path, shown)
    assert (done.status, done.location) == (303, "/school/roster/progress")
    person = await world.services.directory.by_source(world.org_id, SourceKey("csv", "U9"))
    assert person is not None
    assert person.seats[0].name == "5А"
    lookup = world.services.vault.lookup(subject(Phone("+79161000099")))
    async with world.services.store.begin() as work:
        (listed,) = await work.listed.matches(world.org_id, Medium.MSISDN, lookup)
        assert (listed.source_id, listed.group) == ("U9", "student")
    assert (await visitor.get(path)).location == "/school/roster?said=upload_gone"

    async def settled() -> bool | None:
        return "Готово" in (await visitor.get("/school/roster/progress")).text or None

    await until_async(settled, what="the rooms to follow", deadline_s=60)


async def test_nothing_is_written_before_the_yes(world: World) -> None:
    """Looking, changing one's mind, throwing away: the directory's log has no import."""
    await world.let_in("D1")
    visitor = await world.visitor("D1")
    path = await uploaded(visitor, ("ученики.csv", with_newcomer()))
    await visitor.get(path)
    assert (await visitor.post(f"{path}/discard")).status == 303
    log = await world.services.directory.audit(world.org_id)
    assert sum(one["action"] == "roster" for one in log) == 1  # the set-up's own


async def test_every_problem_has_file_row_and_column(world: World) -> None:
    """With what to do, on the page and in the file for whoever mends it; the dashboard says that it failed."""
    await world.let_in("D1")
    visitor = await world.visitor("D1")
    broken = csv(
        ("ИД", "Фамилия", "Имя", "Дата рождения", "Класс", "Телефон"),
        ("U1", "Иванов", "Александр", "2011-02-03", "5А", "12345"),
        ("U2", "Пет9рова", "Мария", "31.02.2014", "5А", ""),
        ("", "Сидоров", "Егор", "2015-07-08", "5А", ""),
    )
    path = await uploaded(visitor, ("ученики.csv", broken))
    shown = await visitor.get(path)
    assert shown.status == 200
    places = re.findall(r"<tr><td>(.*?)</td>", shown.text)
    assert {"ученики.csv, строка 3, «Фамилия»", "ученики.csv, строка 4, «ИД»"} <= set(places)
    assert "--mapping" not in shown.text
    listed = await visitor.get(f"{path}/problems.csv")
    assert "ученики.csv;3;Фамилия" in listed.text
    assert "Списки не загружены" in (await visitor.get("/school")).text
    async with world.services.store.begin() as work:
        entries = await work.audit.of_org(world.org_id, 50)
    assert [one.action for one in entries].count(Action.ROSTER_FAILED) == 1
    again = await uploaded(visitor, *everything())
    assert (await apply(visitor, again, await visitor.get(again))).status == 303
    assert "Списки не загружены" not in (await visitor.get("/school")).text


async def test_a_schools_own_headings_are_asked_for_once(world: World) -> None:
    """Named in a form, kept for the school, used by the next file by itself."""
    await world.let_in("A1")
    visitor = await world.visitor("A1")
    odd = ("№ л/д", "Фам.", "Имечко", "Родился", "Группа", "Моб.", "Почтовый ящик")
    odd_file = ("выгрузка.csv", students(headings=odd))
    path = await uploaded(visitor, odd_file)
    assert "Назвать столбцы" in (await visitor.get(path)).text
    asked = await visitor.get(f"{path}/columns/0?list=students")
    assert "Имечко" in asked.text
    columns = {"id": 0, "family_name": 1, "given_name": 2, "birth_date": 3, "class": 4, "phone": 5}
    fields = {f"column_{name}": str(number) for name, number in columns.items()}
    twice = await visitor.post(
        f"{path}/columns/0", list="students", **{**fields, "column_phone": "0"}
    )
    assert twice.status == 422
    kept = await visitor.post(f"{path}/columns/0", list="students", **fields)
    assert kept.status == 303
    assert "Что изменится" in (await visitor.get(path)).text
    again = await uploaded(visitor, odd_file)
    assert "Что изменится" in (await visitor.get(again)).text
    async with world.services.store.begin() as work:
        sealed = await work.mappings.get(world.org_id)
    assert sealed is not None
    assert "Имечко".encode() not in bytes(sealed)


async def test_an_unknown_position_is_asked_about(world: World) -> None:
    """A cook is left out, a tutor of the school's own kind is a teacher; an administrator makes no directors so."""
    await world.let_in("A1")
    visitor = await world.visitor("A1")
    files = (
        "сотрудники.csv",
        staff(("T8", "Котов", "Ян", "Повар"), ("T9", "Рябова", "Ия", "Наставник")),
    )
    path = await uploaded(visitor, files)
    assert "Назвать должности" in (await visitor.get(path)).text
    asked = await visitor.get(f"{path}/positions")
    assert 'value="director"' not in asked.text
    kept = await visitor.post(
        f"{path}/positions",
        name_0="Повар", position_0="-", name_1="Наставник", position_1="teacher",
    )  # fmt: skip
    assert kept.status == 303
    shown = await visitor.get(path)
    assert "новых людей: <strong>1</strong>" in shown.text
    assert (await apply(visitor, path, shown)).status == 303
    assert await world.services.directory.by_source(world.org_id, SourceKey("csv", "T8")) is None
    tutor = await world.services.directory.by_source(world.org_id, SourceKey("csv", "T9"))
    assert tutor is not None
    assert tutor.roles == {Role.TEACHER}


@pytest.mark.parametrize(
    ("who", "position", "may"),
    [("A1", "Директор", False), ("A1", "Администратор", False), ("D2", "Директор", False),
     ("D2", "Администратор", True), ("D1", "Заместитель директора", True)],
)  # fmt: skip
async def test_a_list_gives_no_more_rights_than_its_bringer_may(
    world: World, who: str, position: str, may: bool
) -> None:
    """Nobody becomes director by bringing a file; who gets rights is named before the yes."""
    await world.let_in(who)
    visitor = await world.visitor(who)
    files = ("сотрудники.csv", staff(("T9", "Хитров", "Лев", position)))
    path = await uploaded(visitor, files)
    shown = await visitor.get(path)
    assert "Хитров Лев" in shown.text
    assert ("Применить его может директор" in shown.text) is not may
    plan = await world.services.directory.plan_roster(world.org_id, await wire(world, who, path))
    done = await visitor.post(f"{path}/apply", plan=plan["plan_hash"], force="")
    assert done.status == (303 if may else 409)
    found = await world.services.directory.by_source(world.org_id, SourceKey("csv", "T9"))
    assert (found is not None) is may


async def wire(world: World, who: str, path: str) -> dict[str, Any]:
    """The roster of an upload, as the pages send it."""
    from bridge.roster_upload import open_upload  # noqa: PLC0415

    account = await world.account(who)
    org = await world.services.directory.org(world.org_id)
    assert org is not None
    opened = await open_upload(
        account, org, UploadId(path.rpartition("/")[2]), world.clock(), services=world.services
    )
    assert opened is not None
    assert opened.reading.roster is not None
    return dict(opened.reading.roster.to_wire())


async def test_a_list_without_the_administrators_is_refused(world: World) -> None:
    """R33: nobody can force a school without administration."""
    await world.let_in("D1")
    visitor = await world.visitor("D1")
    lone = csv(("ИД", "Фамилия", "Имя", "Должность"), ("T1", "Орлова", "Нина", "Учитель"))
    path = await uploaded(visitor, ("сотрудники.csv", lone))
    shown = await visitor.get(path)
    assert "не остаётся ни одного администратора" in shown.text
    assert HASH.search(shown.text) is None
    plan = await world.services.directory.plan_roster(world.org_id, await wire(world, "D1", path))
    done = await visitor.post(f"{path}/apply", plan=plan["plan_hash"], force="yes")
    assert done.status == 409
    assert (await world.person("D1")).status is Status.ACTIVE


async def test_half_a_file_is_forced_by_heads_only_and_knowingly(world: World) -> None:
    """Over the limit of removals nothing happens without the tick; an administrator is not even offered it."""
    await world.let_in("D2", "A1")
    path = f"/orgs/{world.org_id}"
    del path
    await world.services.directory.change_org(
        world.org_id, {"settings": {"removal_limit": 0.01}}, (await world.account("D2")).user_id
    )
    half = students(without=("U1", "U2", "U3", "U4"))
    for who in ("A1", "D2"):
        visitor = await world.visitor(who)
        at = await uploaded(visitor, ("ученики.csv", half))
        shown = await visitor.get(at)
        assert "слишком много людей" in shown.text
        plan = await world.services.directory.plan_roster(world.org_id, await wire(world, who, at))
        without = await visitor.post(f"{at}/apply", plan=plan["plan_hash"])
        assert without.status == 409
        forced = await visitor.post(f"{at}/apply", plan=plan["plan_hash"], force="yes")
        if who == "A1":
            assert HASH.search(shown.text) is None
            assert forced.status == 409
            assert (await world.person("U1")).status is Status.LISTED
        else:
            assert "Файл полный" in shown.text
            assert forced.status == 303
            assert (await world.person("U1")).status is Status.LEFT


async def test_a_plan_that_went_stale_is_shown_again(world: World) -> None:
    """Somebody changed the school meanwhile: nothing is written, the new difference is on the page."""
    await world.let_in("D1")
    visitor = await world.visitor("D1")
    path = await uploaded(visitor, ("ученики.csv", with_newcomer()))
    shown = await visitor.get(path)
    await asyncio.to_thread(
        world.school.apply,
        {**(await wire(world, "D1", path)), "people": [
            {**one, "given_name": "Иная"} if one["source_id"] == "U9" else one
            for one in (await wire(world, "D1", path))["people"]
        ]},
    )  # fmt: skip
    stale = await apply(visitor, path, shown)
    assert stale.status == 409
    assert "новое сравнение" in stale.text
    person = await world.services.directory.by_source(world.org_id, SourceKey("csv", "U9"))
    assert person is not None
    assert person.given_name == "Иная"
    assert (await apply(visitor, path, stale)).status == 303


@pytest.mark.parametrize("name", ["ученики.csv", "ученики.cp1251.csv", "oneroster-1.2.zip"])
async def test_school86_is_read_in_every_encoding(world: World, name: str) -> None:
    """The fictional school's files in every encoding and format: a difference is shown, every pupil is in it."""
    await world.let_in("D1")
    visitor = await world.visitor("D1")
    path = await uploaded(visitor, (name, (SCHOOL86 / name).read_bytes()))
    shown = await visitor.get(path)
    assert shown.status == 200
    assert "Что изменится" in shown.text
    people = (await wire(world, "D1", path))["people"]
    pupils = sum("student" in one["roles"] for one in people)
    assert pupils > 10
    assert f"учеников — {pupils}" in shown.text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("пусто.csv", b""),
        ("шум.csv", bytes(range(256)) * 50),
        ("таблица.xlsx", b"PK\x03\x04" + b"\x00" * 100),
        ("документ.pdf", b"%PDF-1.7 hello"),
        ("старый.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512),
        ("страница.html", b"<html><script>alert(1)</script></html>"),
        ("../../etc/passwd.csv", b"a;b;c\n1;2;3\n"),
        ("<img src=x onerror=1>.csv", b"a;b;c\n1;2;3\n"),
        ("одна строка.csv", "ИД;Фамилия;Имя;Класс\n".encode()),
        ("нули.csv", b"\0" * 5000),
        ("кавычка.csv", '"ИД;Фамилия;Имя;Класс\n1;2;3;4'.encode()),
    ],
)
async def test_no_file_breaks_a_page(world: World, name: str, content: bytes) -> None:
    """Whatever is sent, the answer is a page that says what is wrong with which file."""
    await world.let_in("D1")
    visitor = await world.visitor("D1")
    path = await uploaded(visitor, (name, content))
    shown = await visitor.get(path)
    assert shown.status == 200
    assert "Ошибки" in shown.text
    assert "<img src=x" not in shown.text
    assert "/etc/" not in shown.text
    for below in ("columns/0?list=students", "columns/0", "columns/99", "columns/x", "positions"):
        assert (await visitor.get(f"{path}/{below}")).status in {200, 303, 404}
    assert (await visitor.post(f"{path}/apply", plan="0" * 64)).status == 200
    assert (await visitor.post(f"{path}/columns/0", list="nobody")).status == 404


async def test_too_much_is_refused_before_it_is_read(world: World) -> None:
    """20 MB from administration, 64 kB from anybody else; too many files, no file."""
    await world.let_in("D1")
    visitor = await world.visitor("D1")
    large = os.urandom(1024) * 1024 * 12
    assert (
        await visitor.upload("/school/roster", ("a.csv", large), ("b.csv", large))
    ).status == 413
    stranger = await world.visitor()
    assert (await stranger.upload("/school/roster", ("a.csv", large))).status == 413
    many = [(f"{number}.csv", b"a;b\n") for number in range(13)]
    assert (await visitor.upload("/school/roster", *many)).status == 422
    assert (await visitor.upload("/school/roster")).status == 422
    year = await visitor.upload("/school/roster", ("a.csv", b"a;b\n"), school_year="2026/2030")
    assert year.status == 422
    assert (await visitor.upload("/school/roster", ("a.csv", large))).status == 303


async def test_an_upload_is_kept_an_hour_sealed_for_its_own_school(world: World) -> None:
    """No name of it is readable in the database; after an hour it cannot be opened any more."""
    await world.let_in("D1", "A1")
    visitor = await world.visitor("D1")
    path = await uploaded(visitor, ("ученики.csv", with_newcomer()))
    upload_id = UploadId(path.rpartition("/")[2])
    async with world.services.store.begin() as work:
        kept = await work.uploads.get(upload_id, world.org_id, world.clock())
    assert kept is not None
    assert "Новикова".encode() not in bytes(kept.sealed)
    colleague = await world.visitor("A1")
    assert (await colleague.get(path)).status == 200
    world.clock.move(hours=1, seconds=1)
    assert (await visitor.get(path)).location == "/school/roster?said=upload_gone"
    assert (await visitor.post(f"{path}/apply", plan="0" * 64)).status == 303


LISTING = {
    "source": "csv",
    "groups": ["student"],
    "contacts": [
        {"source_id": "U1", "group": "student", "medium": "msisdn", "address": "+79161000777"},
        {"source_id": "U4", "group": "student", "medium": "email", "address": "new@example.org"},
    ],
}


async def put(world: World, body: Any, token: str | None = None, **headers: str) -> tuple[int, Any]:
    path = f"{world.url}/service/orgs/{world.org_id}/listed-contacts"
    token_file = world.services.config.service_token_file
    token_file.write_text(world.server.service_token)
    given = token if token is not None else world.server.service_token
    async with (
        aiohttp.ClientSession() as http,
        http.put(
            path,
            data=io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode()),
            headers={"Authorization": f"Bearer {given}", **headers},
        ) as response,
    ):
        return response.status, await response.json()


async def test_the_command_line_pushes_contacts(world: World) -> None:
    """With the service token from this machine; the groups named are replaced, others stay."""
    assert await put(world, LISTING) == (200, {"listed": 2})
    new = world.services.vault.lookup(subject(Phone("+79161000777")))
    old = world.services.vault.lookup(subject(Phone(world.phone("U1"))))
    mother = world.services.vault.lookup(subject(Phone(world.phone("R1"))))
    async with world.services.store.begin() as work:
        assert await work.listed.matches(world.org_id, Medium.MSISDN, new)
        assert not await work.listed.matches(world.org_id, Medium.MSISDN, old)
        assert await work.listed.matches(world.org_id, Medium.MSISDN, mother)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 100_000, 400),
        ([], 400),
        ({**LISTING, "source": "../x"}, 400),
        ({**LISTING, "groups": ["everybody"]}, 400),
        ({**LISTING, "groups": []}, 400),
        ({**LISTING, "contacts": "many"}, 400),
        ({**LISTING, "contacts": [{**LISTING["contacts"][0], "group": "staff"}]}, 400),  # type: ignore[dict-item]
        ({**LISTING, "contacts": [{**LISTING["contacts"][0], "address": "12"}]}, 400),  # type: ignore[dict-item]
        (b" " * 12_000_001, 413),
    ],
)  # fmt: skip
async def test_a_bad_listing_changes_nothing(world: World, body: Any, status: int) -> None:
    """It is refused with the field's name; nothing of its contents comes back."""
    answer, said = await put(world, body)
    assert answer == status
    assert "9161000777" not in json.dumps(said)
    old = world.services.vault.lookup(subject(Phone(world.phone("U1"))))
    async with world.services.store.begin() as work:
        assert await work.listed.matches(world.org_id, Medium.MSISDN, old)


async def test_nobody_else_pushes_contacts(world: World) -> None:
    """A wrong token, none, a proxy in between, another verb: no."""
    assert (await put(world, LISTING, token="wrong"))[0] == 401
    assert (await put(world, LISTING, token=""))[0] == 401
    for name in ("X-Forwarded-For", "Forwarded", "Via"):
        assert (await put(world, LISTING, **{name: "203.0.113.7"}))[0] == 404
    await world.let_in("D1")
    visitor = await world.visitor("D1")
    reply = await visitor.post(f"/service/orgs/{world.org_id}/listed-contacts")
    assert reply.status == 405
