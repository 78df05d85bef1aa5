"""The class teacher in the browser: from the roll to a printed card, links, somebody else's phone."""

from __future__ import annotations

import io
import os
from pathlib import Path
from urllib.parse import quote

import zxingcpp
from PIL import Image
from playwright.async_api import Page, expect

from bridge.homeserver_http import HttpHomeserver
from bridge.ports_homeserver import SignIn
from tests.bridge.web.axe import assert_accessible, assert_accessible_everywhere
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.test_teacher_paper import codes, pictures
from tests.bridge.web.world import World


async def look(page: Page, name: str) -> None:
    """Pictures for whoever wants to see them: SHOTS=folder; on a narrow phone and on a desk."""
    folder = os.environ.get("SHOTS")
    if folder is None:
        return
    for width in (320, 1100):
        await page.set_viewport_size({"width": width, "height": 740})
        await page.screenshot(path=str(Path(folder) / f"{name}-{width}.png"), full_page=True)
    await page.set_viewport_size({"width": 360, "height": 740})


async def test_every_page_is_accessible_in_both_languages(browsing: World) -> None:
    """No rule of axe broken, nothing cut off at 320 px: the roll, the choices, the lists, empty ones too."""
    await browsing.let_in("D1", "T1", "U1", "R1")
    page = await browsing.page("T1")
    here = f"/class/{browsing.class_id('5А')}"
    pupil = f"{here}/pupil/{browsing.person_id('U1')}"
    paths = [
        "/classes",
        "/applications",
        here,
        f"{here}?show=no_parent",
        f"{here}?show=unconfirmed",  # nobody
        pupil,
        f"{pupil}/reset",
        f"{here}/pupil/{browsing.person_id('U2')}",
        f"{here}/cards",
        f"{here}/parents",
        f"{here}/invites",  # none yet
        f"{here}/invites/pupils",
        f"{here}/invites/parents",
    ]
    for number, path in enumerate(paths):
        await assert_accessible_everywhere(page, path)
        await look(page, f"{number:02}")
    first = f"/class/{browsing.class_id('1Б')}/invites/pupils"
    director = await browsing.page("D1")
    await assert_accessible_everywhere(director, "/classes")
    await look(director, "director")
    await assert_accessible_everywhere(director, first)
    await look(director, "first-grade")


async def test_a_teacher_prints_cards(browsing: World) -> None:
    """Three clicks from the list of classes to the sheet; who needs a card is ticked; it prints in both ways."""
    await browsing.let_in("T1")
    page = await browsing.page("T1")
    await page.goto("/classes")
    await page.get_by_role("link", name="5А").click()
    await page.get_by_role("link", name="Карточки ученикам").click()
    ticked = page.get_by_role("checkbox", checked=True)
    await expect(ticked).to_have_count(1)
    await expect(page.locator("label", has=ticked)).to_contain_text("Петрова Мария")
    await page.get_by_role("button", name="Сделать лист для печати").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Карточки для входа")
    await assert_accessible(page)
    await look(page, "sheet-card")
    shown = await page.locator("img.qr").screenshot()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Скачать PDF").click()
    file = await download.value
    assert file.suggested_filename == "Карточки для входа 5А.pdf"
    assert (await file.path()).read_bytes().startswith(b"%PDF-")

    sheet = page.url
    await page.get_by_role("link", name="Напечатать через браузер").click()
    await assert_accessible(page)
    await look(page, "print")
    await page.set_viewport_size({"width": 900, "height": 1200})
    printed = await page.screenshot()
    (code,) = zxingcpp.read_barcodes(_picture(printed))
    assert code.text == zxingcpp.read_barcodes(_picture(shown))[0].text
    pages = await page.pdf(prefer_css_page_size=True)  # as Chromium's own «Печать» has it
    assert pages.count(b"/Type /Page\n") == 1
    for language in ("en", "ru"):
        await page.context.add_cookies([{"name": "lang", "value": language, "url": browsing.url}])
        for path in (sheet, f"{sheet}/print"):
            await page.goto(path)
            await assert_accessible(page)

    await page.goto(f"/class/{browsing.class_id('5А')}")
    await expect(page.get_by_text("карточка выдана")).to_have_count(1)


async def test_a_printed_card_lets_the_pupil_in(browsing: World) -> None:
    """R20 from the printer to the chat: QR of the PDF, a password, in; reprinted meanwhile, the old paper is dead."""
    await browsing.let_in("T1")
    teacher = await browsing.page("T1")
    pupil = f"/class/{browsing.class_id('5А')}/pupil/{browsing.person_id('U2')}"

    async def printed() -> str:
        await teacher.goto(pupil)
        await teacher.get_by_role("button", name="Новая карточка").click()
        async with teacher.expect_download() as download:
            await teacher.get_by_role("link", name="Скачать PDF").click()
        (code,) = codes(pictures((await (await download.value).path()).read_bytes())[0])
        return code

    lost, card = await printed(), await printed()
    page = await browsing.page()
    reply = await page.goto(lost)
    assert reply is not None
    assert reply.status == 410
    await page.goto(card)
    await expect(page.get_by_text("Петрова М., 5А")).to_be_visible()
    await page.get_by_label("Придумайте пароль").fill(PASSWORD)
    await page.get_by_role("button", name="Войти в школу").click()
    login = await page.locator(".login").inner_text()
    user_id = (await browsing.person("U2")).user_id
    signed_in = await browsing.services.homeserver.sign_in(login, PASSWORD, "127.0.0.1")
    assert signed_in == user_id
    somebody = await browsing.visitor()  # who has found the paper
    assert (await somebody.get(card.removeprefix(browsing.url))).status == 410
    await teacher.goto(pupil)
    await expect(teacher.get_by_text("нет, входит по имени и паролю")).to_be_visible()


async def test_a_link_of_the_class_is_made_and_revoked(browsing: World) -> None:
    """The page after the form has link, QR and code; the list has it until it is revoked, after a preview."""
    await browsing.let_in("T1")
    page = await browsing.page("T1")
    here = f"/class/{browsing.class_id('5А')}/invites"
    await page.goto(here)
    await page.get_by_role("link", name="Плакат для родителей").click()
    await expect(page.get_by_label("Сколько человек")).to_have_value("6")
    await page.get_by_label("Сколько человек").fill("0")
    await page.get_by_role("button").filter(has_text="Сделать ссылку").click()
    await expect(page.locator(".error")).to_have_count(1)
    await assert_accessible(page)
    await look(page, "poster-wrong")
    await page.get_by_label("Сколько человек").fill("4")
    await page.get_by_role("button").filter(has_text="Сделать ссылку").click()
    await expect(page.get_by_text("Код, если нет камеры")).to_be_visible()
    await assert_accessible(page)
    await look(page, "sheet-poster")
    await page.reload()
    await expect(page.get_by_text("Код, если нет камеры")).to_be_visible()
    await page.get_by_role("link", name="Напечатать через браузер").click()
    await assert_accessible(page)
    await look(page, "print-poster")

    await assert_accessible_everywhere(page, here)
    await look(page, "invites")
    await page.get_by_role("link", name="Отозвать").click()
    await assert_accessible_everywhere(page, page.url)
    await look(page, "revoke")
    await page.get_by_role("button", name="Отозвать").click()
    await expect(page.get_by_role("status")).to_have_text("Ссылка больше не действует.")
    await expect(page.get_by_text("Пока ни одной")).to_be_visible()


async def test_a_pupils_phone_is_taken_off(browsing: World) -> None:
    """After a preview: the phone is free here and in Synapse, the old password is dead, a card is there."""
    await browsing.let_in("T1", "U1")
    phone, homeserver = browsing.phone("U1"), browsing.services.homeserver
    assert isinstance(homeserver, HttpHomeserver)
    account = await browsing.account("U1")
    assert await homeserver.sign_in(phone, PASSWORD, "127.0.0.1") == account.user_id
    pupil = await browsing.page("U1")

    page = await browsing.page("T1")
    await page.goto(f"/class/{browsing.class_id('5А')}/pupil/{browsing.person_id('U1')}")
    await page.get_by_role("link", name="Снять телефон и почту").click()
    assert phone[-4:] not in await page.content()
    await page.get_by_role("button", name="Снять и сделать карточку").click()
    await expect(page.get_by_role("status")).to_contain_text("Телефон и почта сняты")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Карточки для входа")
    await assert_accessible(page)
    await look(page, "reset-done")

    for login in (phone, account.user_id):
        assert await homeserver.sign_in(login, PASSWORD, "127.0.0.1") is SignIn.WRONG
    kept = await homeserver.account(account.user_id)
    assert kept is not None
    assert kept.threepids == frozenset()
    await pupil.goto("/me")
    assert "/signin" in pupil.url
    async with browsing.services.store.begin() as work:
        assert await work.contacts.of_account(account.user_id) == []
        actions = [one.action.value for one in await work.audit.of_org(browsing.org_id, 5)]
    assert "contact_released" in actions


async def test_the_way_to_a_call(browsing: World) -> None:
    """A class teacher finds the host page of the class, other staff that of all their chats, a pupil nothing."""
    await browsing.let_in("D1", "T1", "U1")
    here = f"/class/{browsing.class_id('5А')}"
    page = await browsing.page("T1")
    await browsing.settle()
    room_id = quote(browsing.school.room_id("class", "5А"), safe="")
    await page.goto(here)
    link = page.get_by_role("link", name="Вести звонок")
    await expect(link).to_have_attribute("href", f"https://rtc.school.example/host#room={room_id}")
    director = await browsing.page("D1")
    await director.goto(here)
    await expect(director.get_by_role("link", name="Вести звонок")).to_have_count(0)
    await assert_accessible_everywhere(director, "/clients")
    link = director.get_by_role("link", name="Вести звонок")
    await expect(link).to_have_attribute("href", "https://rtc.school.example/host")
    pupil = await browsing.page("U1")
    await pupil.goto("/clients")
    await expect(pupil.get_by_role("link", name="Вести звонок")).to_have_count(0)


def _picture(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))
