"""Sheets for the printer, made through the pages: every QR code is read from the rendered PDF (R20)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from bridge.invite import Invite, InviteKind, InviteRefusal, token_hash
from bridge.people import NewPerson, SourceKey
from bridge.printing import NoPrinter
from bridge.roles import PersonId, Role
from bridge.web import paper
from tests.bridge.web.world import Visitor, World

DPI = 200


def pictures(pdf: bytes) -> list[Image.Image]:
    """Each page as the printer would have it."""
    with pypdfium2.PdfDocument(pdf) as document:
        found = [page.render(scale=DPI / 72).to_pil() for page in document]
    folder = os.environ.get("SHOTS")  # to be looked at by somebody
    for number, picture in enumerate(found if folder else ()):
        digest = hashlib.sha256(pdf).hexdigest()[:6]
        picture.save(Path(str(folder)) / f"paper-{digest}-{number}.png")
    return found


def codes(picture: Image.Image) -> list[str]:
    """What a phone's camera reads from the page."""
    return sorted(one.text for one in zxingcpp.read_barcodes(picture))


def words(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


async def made(visitor: Visitor, path: str, **fields: Any) -> str:
    """The address of the sheet that a form makes."""
    reply = await visitor.post(path, **fields)
    assert reply.status == 303, reply.text
    assert "/sheet/" in reply.location, reply.location
    return reply.location


async def pdf_at(visitor: Visitor, sheet: str) -> bytes:
    headers = {"Cookie": f"sid={visitor.token}"}
    async with visitor.http.get(f"{visitor.world.url}{sheet}/pdf", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/pdf"
        assert response.headers["Cache-Control"] == "no-store"
        assert 'attachment; filename="' in response.headers["Content-Disposition"]
        return await response.read()


async def answer(world: World, link: str) -> Invite | InviteRefusal:
    """What the invite of a link is now: the invite, or why it opens nothing."""
    async with world.services.store.begin() as work:
        found = await work.invites.by_token(token_hash(link.rpartition("/")[2]))
    assert found is not None
    return found.refusal(world.clock()) or found


async def more_pupils(world: World, class_name: str, names: list[tuple[str, str]]) -> None:
    """Pupils of the class besides those of the list."""
    by = (await world.account("T1")).user_id
    for number, (family_name, given_name) in enumerate(names):
        new = NewPerson(
            key=SourceKey("application", f"more{number}"),
            family_name=family_name,
            given_name=given_name,
            roles=frozenset({Role.STUDENT}),
            class_id=world.class_id(class_name),
        )
        await world.services.directory.create_person(world.org_id, new, by)


async def everybody(world: World, class_name: str) -> list[PersonId]:
    roll = await world.services.directory.roll(world.org_id, world.class_id(class_name))
    assert roll is not None
    return [one.person.person_id for one in roll.students]


async def test_cards_print_eight_to_a_page(world: World) -> None:
    """Eleven cards are two pages of eight and three; each code is read and opens exactly one pupil's invite."""
    await world.let_in("T1")
    await more_pupils(world, "5А", [(f"Фамилия{n:02}", "Имя") for n in range(8)])
    teacher, class_id = await world.visitor("T1"), world.class_id("5А")
    pupils = await everybody(world, "5А")
    assert len(pupils) == 11

    sheet = await made(teacher, f"/class/{class_id}/cards", pupil=pupils)
    pdf = await pdf_at(teacher, sheet)
    pages = pictures(pdf)
    assert [picture.size for picture in pages] == [(1654, 2339)] * 2  # A4 at 200 dpi
    found = [codes(picture) for picture in pages]
    assert [len(one) for one in found] == [8, 3]
    links = [link for page in found for link in page]
    assert all(link.startswith(f"{world.url}/i/") for link in links)

    invites = [await answer(world, link) for link in links]
    assert {one.person_id for one in invites if isinstance(one, Invite)} == set(pupils)
    text = words(pdf)
    assert "Фамилия03 Имя" in text
    assert "5А · Школа № 7" in text
    typed = links[0].removeprefix("http://")  # for a computer without a camera
    assert typed in "".join(text.split())


async def test_long_names_do_not_push_a_card_out_of_its_place(world: World) -> None:
    """Names of a hundred characters: still one page, still eight codes that are read."""
    await world.let_in("T1")
    long = [("Долгофамильский" * 6, "Имяоченьдлинное" * 6), ("<b>Иванов</b> & сын" * 4, '"Имя"')]
    await more_pupils(world, "5А", long * 2 + [("Ким", "А"), ("W" * 100, "W" * 100)])
    teacher, class_id = await world.visitor("T1"), world.class_id("5А")
    pupils = (await everybody(world, "5А"))[-8:]
    sheet = await made(teacher, f"/class/{class_id}/cards", pupil=pupils)
    pdf = await pdf_at(teacher, sheet)
    (picture,) = pictures(pdf)
    assert len(codes(picture)) == 8


async def test_a_lost_card_is_dead_after_two_clicks(world: World) -> None:
    """R20: the pupil's page, «Новая карточка»; the old code opens nothing, the new one does, others' still do."""
    await world.let_in("T1")
    teacher, class_id = await world.visitor("T1"), world.class_id("5А")
    lost, other = world.person_id("U2"), world.person_id("U3")
    sheet = await made(teacher, f"/class/{class_id}/cards", pupil=[lost, other])
    links = codes(pictures(await pdf_at(teacher, sheet))[0])

    assert (await teacher.get(f"/class/{class_id}/pupil/{lost}")).status == 200
    again = await made(teacher, f"/class/{class_id}/pupil/{lost}/card")
    (new,) = codes(pictures(await pdf_at(teacher, again))[0])
    fates = [await answer(world, link) for link in links]
    assert fates.count(InviteRefusal.REVOKED) == 1
    (alive,) = [one for one in fates if isinstance(one, Invite)]
    assert alive.person_id == other
    renewed = await answer(world, new)
    assert isinstance(renewed, Invite)
    assert renewed.person_id == lost


async def test_a_parents_sheet_for_both_parents(world: World) -> None:
    """Two links for each chosen child; reprinting ends them, but not the link that the child gave away itself."""
    await world.let_in("T1", "U1")
    teacher, class_id = await world.visitor("T1"), world.class_id("5А")
    child = world.person_id("U1")
    own = await world.issue(
        "U1", InviteKind.CHILD_PARENT, Role.GUARDIAN, class_id=class_id, person_id=child
    )
    sheet = await made(teacher, f"/class/{class_id}/parents", pupil=[child], copies="2")
    pdf = await pdf_at(teacher, sheet)
    links = codes(pictures(pdf)[0])
    assert len(set(links)) == 2
    assert {"Родителям ученика", "Иванов Александр"} <= set(words(pdf).splitlines())
    await made(teacher, f"/class/{class_id}/pupil/{child}/parent")
    assert {await answer(world, link) for link in links} == {InviteRefusal.REVOKED}
    assert isinstance(await answer(world, f"/{own.token}"), Invite)


async def test_a_poster_has_code_and_address(world: World) -> None:
    """One A4 page for the wall: a QR code, and the nine digits with the address where they are typed."""
    await world.let_in("T1")
    teacher, class_id = await world.visitor("T1"), world.class_id("5А")
    path = f"/class/{class_id}/invites/parents"
    sheet = await made(teacher, path, max_uses="30", days="30")
    shown = (await teacher.get(sheet)).text
    pdf = await pdf_at(teacher, sheet)
    (picture,) = pictures(pdf)
    (link,) = codes(picture)
    assert link in shown
    text = words(pdf)
    code = next(
        line.strip() for line in text.splitlines() if line.replace(" ", "").strip().isdigit()
    )
    assert code in shown
    async with world.services.store.begin() as work:
        by_code = await work.invites.by_code(token_hash(code.replace(" ", "")))
    assert by_code == await answer(world, link)
    assert f"{world.url.removeprefix('http://')}/join" in text


async def test_a_sheet_is_this_browsers_for_half_an_hour(world: World) -> None:
    """Reload and print again: yes. Another browser of the same teacher, another class' address, later: 410."""
    await world.let_in("T1", "D1")
    teacher, class_id = await world.visitor("T1"), world.class_id("5А")
    sheet = await made(teacher, f"/class/{class_id}/cards", pupil=[world.person_id("U2")])
    for path in (sheet, f"{sheet}/print", sheet):
        assert (await teacher.get(path)).status == 200
    elsewhere, director = await world.visitor("T1"), await world.visitor("D1")
    for path in (sheet, f"{sheet}/print", f"{sheet}/pdf"):
        assert (await elsewhere.get(path)).status == 410
        assert (await director.get(path)).status == 410
    own = await made(director, f"/class/{class_id}/cards", pupil=[world.person_id("U2")])
    moved = own.replace(class_id, world.class_id("1Б"))
    assert (await director.get(moved)).status == 410
    world.clock.move(minutes=31)
    assert (await teacher.get(sheet)).status == 410


async def test_without_pango_the_browser_prints(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No PDF on this server: the page says so and offers the same sheet for the browser."""

    async def no_printer(*_: object) -> bytes:
        raise NoPrinter

    await world.let_in("T1")
    teacher, class_id = await world.visitor("T1"), world.class_id("5А")
    sheet = await made(teacher, f"/class/{class_id}/cards", pupil=[world.person_id("U2")])
    monkeypatch.setattr(paper, "pdf_of", no_printer)
    reply = await teacher.get(f"{sheet}/pdf")
    assert (reply.status, reply.location) == (303, f"{sheet}?no_pdf=")
    assert "нет программы для PDF" in (await teacher.get(reply.location)).text
    assert "Петрова Мария" in (await teacher.get(f"{sheet}/print")).text
