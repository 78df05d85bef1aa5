"""Classes in the middle of the year over the pages: split, made one, lent to a substitute (R36, R40); shared rooms."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.common_rooms import CommonRooms, common_rooms_of
from bridge.directory_http import HttpDirectory
from bridge.roles import OrgId
from serving.json_object import JsonObject
from tests.bridge.test_district_shown import GOOD
from tests.bridge.web.world import Reply, Visitor, World

SEEN = re.compile(r'name="seen" value="([^"]+)"')


def seen(reply: Reply) -> str:
    """What a check has shown, as its button says it."""
    found = SEEN.search(reply.text)
    assert found is not None, reply.text
    return found[1]


async def names(world: World) -> set[str]:
    return {one.name for one in await world.services.directory.classes(world.org_id)}


async def class_of(world: World, source_id: str) -> list[str]:
    return [seat.name for seat in (await world.person(source_id)).seats]


async def test_a_class_is_split_and_made_one_again(world: World) -> None:
    """Nothing before the last button, numbers first, errors by their field; a form that comes twice is done once."""
    await world.let_in("A1")
    office = await world.visitor("A1")
    await a_split(world, office)
    await a_merge(world, office)


async def a_split(world: World, office: Visitor) -> None:
    """U2 and U3 of 5А become 5Б; the mother of U1 and U2 has a child in each."""
    fifth = world.class_id("5А")
    path = f"/school/classes/{fifth}/split"
    u2, u3 = world.person_id("U2"), world.person_id("U3")
    everybody = [world.person_id(one) for one in ("U1", "U2", "U3")]
    assert (await office.get(path)).status == 200
    for fields, words in (
        ({"name": "5Б"}, "Отметьте, кто переходит"),
        ({"name": "", "pupil": u3}, "Напишите, как будет называться"),
        ({"name": "?!", "pupil": u3}, "Так класс назвать нельзя"),
        ({"name": "6Б", "pupil": u3}, "из другой параллели"),
        ({"name": "5A", "pupil": u3}, "уже есть"),  # Latin
        ({"name": "5Б", "pupil": world.person_id("U4")}, "в этом классе уже нет"),
    ):
        wrong = await office.post(path, do="check", **fields)
        assert wrong.status == 422, fields
        assert words in wrong.text
    whole = await office.post(path, do="check", name="5Б", pupil=everybody)
    assert "Кто-то должен остаться" in whole.text
    asked = {"name": "5 «б»", "pupil": [u2, u3]}
    shown = await office.post(path, do="check", **asked)
    assert shown.status == 200
    assert "5А останется</dt><dd>учеников: 1</dd>" in shown.text
    assert "5Б, новый класс</dt><dd>учеников: 2</dd>" in shown.text
    assert "родителей нового класса</dt><dd>1</dd>" in shown.text
    assert "в обоих классах</dt><dd>1</dd>" in shown.text
    assert f'value="{u3}" checked' in (await office.post(path, do="edit", **asked)).text
    assert (await office.post(path, do="apply", seen="other", **asked)).status == 409
    assert await names(world) == {"5А", "1Б"}
    done = [
        (await office.post(path, do="apply", seen=seen(shown), **asked)).location for _ in range(2)
    ]
    assert done[0] == done[1]
    assert done[0].endswith("?said=class_split")
    assert [await class_of(world, one) for one in ("U1", "U2", "U3")] == [["5А"], ["5Б"], ["5Б"]]
    new = await office.get(done[0])
    assert "Класс разделён" in new.text
    assert "Не назначен" in new.text
    third = await office.post(done[0].partition("?")[0], add=world.person_id("T3"))
    assert third.status == 303


async def a_merge(world: World, office: Visitor) -> None:
    """5А and 5Б become 5А: everybody, both teachers; what has ended cannot be merged once more."""
    path = "/school/classes/merge"
    ids = {one.name: one.class_id for one in await world.services.directory.classes(world.org_id)}
    for fields, words in (
        ({"name": "5А", "class": ids["5А"]}, "хотя бы два"),
        ({"name": "5А", "class": [ids["5А"], ids["1Б"]]}, "одной параллели"),
        ({"name": "5А", "class": [ids["5А"], "cnone"]}, "классы изменились"),
        ({"name": "1А", "class": [ids["5А"], ids["5Б"]]}, "из другой параллели"),
        ({"name": "", "class": [ids["5А"], ids["5Б"]]}, "Напишите"),
    ):
        wrong = await office.post(path, do="check", **fields)
        assert wrong.status == 422, fields
        assert words in wrong.text
    assert f'value="{ids["5Б"]}" checked' in (await office.get(f"{path}?class={ids['5Б']}")).text
    asked = {"name": "5а", "class": [ids["5А"], ids["5Б"]]}
    shown = await office.post(path, do="check", **asked)
    assert "Станет: 5А</dt><dd>учеников: 3</dd>" in shown.text
    assert "Родителей в чате родителей</dt><dd>3</dd>" in shown.text
    assert "Белова Анна" in shown.text
    assert "Орлова Нина" in shown.text
    assert (await office.post(path, do="edit", **asked)).status == 200
    assert (await office.post(path, do="apply", seen="other", **asked)).status == 409
    assert await names(world) == {"5А", "5Б", "1Б"}
    agreed = {"do": "apply", "seen": seen(shown), **asked, "name": "5А"}
    done = [(await office.post(path, **agreed)).location for _ in range(2)]
    assert done[0] == done[1]
    assert done[0].endswith("?said=classes_merged")
    assert await names(world) == {"5А", "1Б"}
    assert await class_of(world, "U1") == await class_of(world, "U3") == ["5А"]
    page = await office.get(done[0])
    assert "Классы объединены" in page.text
    assert "Белова Анна" in page.text


async def test_a_substitute_until_a_day(world: World) -> None:
    """Shown, appointed, seen by the office, with a class teacher's rights; taken away as a substitute only; ended."""
    await world.let_in("A1", "T3")
    office = await world.visitor("A1")
    class_id, t3 = world.class_id("1Б"), world.person_id("T3")
    page = f"/school/classes/{class_id}"
    path, teacher = f"{page}/substitute", await world.visitor("T3")
    today = world.clock().astimezone(ZoneInfo("Europe/Moscow")).date()
    until, tomorrow = ((today + timedelta(days=ahead)).isoformat() for ahead in (30, 1))
    assert "Белова Анна" in (await office.get(f"{path}?q=Белова")).text
    led = await office.get(f"{path}?q=Зайцев")  # whoever leads the class is no choice
    assert f'value="{world.person_id("T2")}"' not in led.text
    for fields, words in (
        ({"until": until}, "Выберите сотрудника"),
        ({"person": "a\0/../b", "until": until}, "Выберите сотрудника"),
        ({"person": world.person_id("T2"), "until": until}, "и так руководит"),
        ({"person": world.person_id("U1"), "until": until}, "только сотрудник"),
        ({"person": t3, "until": "завтра"}, "Это не дата"),
        ({"person": t3, "until": (today - timedelta(days=1)).isoformat()}, "уже прошёл"),
        ({"person": t3, "until": (today + timedelta(days=2000)).isoformat()}, "Слишком далеко"),
    ):
        wrong = await office.post(path, do="check", **fields)
        assert wrong.status == 422, fields
        assert words in wrong.text
    asked = {"person": t3, "until": until}
    shown = await office.post(path, do="check", **asked)
    assert "учеников: 2" in shown.text
    assert "родителей: 1" in shown.text
    assert (await office.post(path, do="edit", **asked)).status == 200
    assert (await teacher.get(f"/class/{class_id}")).status == 404
    for _ in range(2):
        assert (await office.post(path, do="apply", **asked)).location.endswith("substitute_set")
    assert (await teacher.get(f"/class/{class_id}")).status == 200
    assert "замещение до" in (await office.get("/school/classes")).text
    assert "было:" in (await office.post(path, do="check", person=t3, until=tomorrow)).text
    one = await office.get(page)
    assert "Замещает Белова Анна" in one.text
    assert one.text.count("Снять") == 1  # the class teacher alone
    assert (await office.post(page, remove=world.person_id("T2"))).status == 303
    assert "Замещает Белова Анна" in (await office.get(page)).text
    for _ in range(2):
        ended = await office.post(path, do="end", person=t3)
        assert ended.location.endswith("substitute_ended")
    assert (await teacher.get(f"/class/{class_id}")).status == 404
    assert "Замещает" not in (await office.get(page)).text


def shared(**changes: Any) -> dict[str, Any]:
    """A room of several schools as the module tells of it."""
    return {
        "room_id": "!news:edu.example", "name": "Объявления округа", "host": "edu.example",
        "host_name": "Управление образования", "ours": False, "members": ["staff"], "subject": "",
        "stage": "up_to_date", "wanted": 12, "joined": 12, "roles": {"director": 1, "teacher": 11},
        "schools": {"inside": 3, "absent": 0, "inside_names": ["Школа № 12", "Лицей № 3"],
                    "absent_names": []},
        **changes,
    }  # fmt: skip


ROOMS = (
    shared(),
    shared(name="Учителя математики", members=["teacher"], subject="математика", room_id=None,
           stage="waits_for_maker", joined=0, wanted=2, roles={},
           schools={"inside": 0, "absent": 0, "inside_names": [], "absent_names": []}),
    shared(name="Директора", members=["director", "deputy"], ours=True, host="school7.example", host_name="",
           stage="waits_for_schools", joined=1, wanted=1, roles={"director": 1},
           schools={"inside": 1, "absent": 2, "inside_names": ["Школа № 12"],
                    "absent_names": ["Лицей № 3", "Школа № 40"]}),
    shared(name="Новые учителя", stage="filling", joined=3),
    shared(name="Физика", stage="leaving"),
    shared(name="Химия", stage="left", room_id=None, joined=0, roles={}),
)  # fmt: skip


async def test_rooms_of_several_schools(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which, for whom, whose, which schools, how many of ours by role, whom they wait for; none without a district."""
    await world.let_in("D1", "T3")
    await world.settle()
    director = await world.visitor("D1")
    alone = await director.get("/school/district")
    assert "не входит в округ" in alone.text

    async def common_rooms(self: HttpDirectory, org_id: OrgId) -> CommonRooms:
        del self, org_id
        told = {"common": {"district": "district.example", "rooms": list(ROOMS)}}
        return common_rooms_of(JsonObject(told))

    async def health(self: HttpDirectory) -> dict[str, Any]:
        del self
        return {"district": {**GOOD, "standing": "open"}}

    monkeypatch.setattr(HttpDirectory, "common_rooms", common_rooms)
    monkeypatch.setattr(HttpDirectory, "health", health)
    assert 'href="/school/district"' in (await director.get("/school")).text
    page = (await director.get("/school/district")).text
    for words in (
        "Объявления округа",
        "Управление образования",
        "12 из 12 (директор: 1, учитель: 11)",
        "Приглашает: Управление образования",
        "учителя, математика",
        "Ещё не вошли (2): Лицей № 3, Школа № 40",
        "эта школа",
        "3 из 12 (директор",
        "чат закрыт: мы из него выходим",
        "чат закрыт: мы из него вышли",
    ):
        assert words in page, words
    english = (await director.get("/school/district", Cookie=f"sid={director.token}; lang=en")).text
    assert "Not in yet (2)" in english
    why = await director.get(f"/school/people/{world.person_id('T3')}/rooms")
    assert why.status == 200
    assert "Директора" in why.text  # not for a teacher: on request
