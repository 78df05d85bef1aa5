"""What the tests of joining do over and over: press, type a contact and its code, look, sign in with a client."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from bridge.invite import InviteKind
from bridge.inviting import Issued
from bridge.roles import Account, Role
from tests.bridge.web.axe import assert_accessible, assert_accessible_everywhere
from tests.bridge.web.world import Visitor, World
from tests.support.polling import until_async

PASSWORD = "три слова подряд"
#: Where pictures go for a person to look at; nowhere by default.
PICTURES = os.environ.get("SFERUM_PICTURES", "")


async def looked_at(page: Page, name: str, *, posted: bool = False) -> None:
    """The page as it stands: accessible, in English too, and on pictures if somebody wants to see them.

    Args:
        posted: an answer to a form, which its address alone does not show again.
    """
    await assert_accessible(page)
    if PICTURES:
        folder = Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 (for a person, not in the suite)
        for width in (320, 1200):
            await page.set_viewport_size({"width": width, "height": 740})
            await page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
        await page.set_viewport_size({"width": 360, "height": 740})
    if not posted:
        await assert_accessible_everywhere(page, page.url.removeprefix(await origin(page)))


async def origin(page: Page) -> str:
    return str(await page.evaluate("location.origin"))


async def titled(page: Page, text: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text(text)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def give_contact(page: Page, phone: str) -> None:
    await page.get_by_label("Номер мобильного телефона").fill(phone)
    await press(page, "Получить код")
    await titled(page, "Код и пароль")


async def give_code(world: World, page: Page, contact: str, *, after: int = 0) -> None:
    """`after`: how many messages to this contact were sent before the code was asked for."""
    await page.get_by_label("Код из сообщения").fill(await world.code_to(contact, after=after))
    await page.get_by_label("Придумайте пароль").fill(PASSWORD)
    await press(page, "Дальше")


async def come_in(world: World, page: Page, token: str, phone: str) -> None:
    """From a link to whatever comes after the code."""
    sent = len(world.messages_to(phone))
    await page.goto(f"/i/{token}")
    await give_contact(page, phone)
    await give_code(world, page, phone, after=sent)


async def fill_names(page: Page, **values: str) -> None:
    """Fields by the beginning of their labels."""
    labels = {
        "family": "Фамилия",
        "given": "Имя",
        "born": "Дата рождения",
        "relation": "Кем вы приходитесь",
        "child": "Фамилия и имя ребёнка",
    }
    for name, value in values.items():
        await page.get_by_label(labels[name], exact=name in {"family", "given"}).fill(value)


async def signs_in(world: World, login: str, password: str = PASSWORD) -> str:
    """What a client gets with this login: the account's id."""

    async def found() -> str | None:
        answer = await world.services.homeserver.sign_in(login, password, "192.0.2.9")
        return answer if isinstance(answer, str) else None

    return await until_async(found, what="a sign-in")


async def once_in(world: World, source_id: str) -> Account:
    """Somebody's account, as soon as the steps are done."""

    async def found() -> bool:
        return (await world.person(source_id)).active

    await until_async(found, what=f"{source_id} is in")
    return await world.account(source_id)


async def class_link(world: World, role: Role, name: str = "5А", **order: Any) -> Issued:
    """A link for pupils or parents of a class, by its class teacher, who must be in."""
    kind = InviteKind.CLASS_PUPIL if role is Role.STUDENT else InviteKind.CLASS_PARENT
    by = {"5А": "T1", "1Б": "T2"}[name]
    wanted = {"class_id": world.class_id(name), "max_uses": 100, **order}
    return await world.issue(by, kind, role, **wanted)


async def link_for(world: World, kind: InviteKind, source_id: str, by: str = "T1") -> Issued:
    """A link that names one pupil."""
    role = Role.GUARDIAN if kind is InviteKind.CHILD_PARENT else Role.STUDENT
    person = await world.person(source_id)
    class_id = next(seat.class_id for seat in person.seats)
    return await world.issue(by, kind, role, class_id=class_id, person_id=person.person_id)


async def prove(world: World, visitor: Visitor, token: str, phone: str, **choice: str) -> str:
    """The same over plain HTTP; where it leads after the right code."""
    sent = len(world.messages_to(phone))
    reply = await visitor.post(f"/i/{token}", phone=phone, **choice)
    assert reply.location == "/join/code", reply.text
    code = await world.code_to(phone, after=sent)
    reply = await visitor.post("/join/code", code=code, password=PASSWORD)
    return reply.location
