"""Which applications open the chats, and the help: for everybody, in both languages (R18)."""

from __future__ import annotations

import pytest

from bridge.client_links import client_links
from bridge.config import Clients
from bridge.printing import qr_image
from bridge.web.help_pages import TOPICS
from bridge.web.profile import login_of
from tests.bridge.web.axe import assert_accessible_everywhere
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.world import World


def test_links_have_the_school_s_server_in_the_form_each_client_reads() -> None:
    """Element X: without https, slash before the question mark; Cinny: one part of the path."""
    links = client_links(Clients(homeserver_url="https://matrix.school.example:8448"))
    assert links.server == "matrix.school.example:8448"
    assert links.element_x == (
        "https://mobile.element.io/element/?account_provider=matrix.school.example%3A8448"
    )
    assert links.cinny == "https://app.cinny.in/login/matrix.school.example%3A8448/"
    assert links.element_web == "https://app.element.io/#/login"
    assert not links.own_element_web


def test_a_school_s_own_copies_are_named() -> None:
    """Their Element Web knows the server: nobody is told to type it."""
    links = client_links(
        Clients(
            homeserver_url="https://m.example",
            element_web="https://chat.example",
            cinny="https://cinny.example",
        )
    )
    assert links.own_element_web
    assert links.element_web == "https://chat.example/#/login"
    assert links.cinny == "https://cinny.example/login/m.example/"


async def test_the_page_names_the_login_that_any_client_takes(browsing: World) -> None:
    """For a stranger without names; for whoever is in, their login. Never a password, never a whole phone."""
    await browsing.let_in("U2", phone=False)
    await assert_accessible_everywhere(await browsing.page(), "/clients")
    page = await browsing.page("U2")
    await assert_accessible_everywhere(page, "/clients")
    name = login_of(await browsing.account("U2"))
    assert name in await page.inner_text("main")
    assert browsing.server.login(name, PASSWORD).user_id == f"@{name}:{browsing.server.server_name}"
    links = client_links(browsing.services.config.clients)
    images = [await one.get_attribute("src") for one in await page.locator("img.qr").all()]
    assert images == [qr_image(links.element_x), qr_image(links.cinny)]
    assert PASSWORD not in await page.content()


@pytest.mark.parametrize("topic", TOPICS)
async def test_each_role_has_its_help(browsing: World, topic: str) -> None:
    """Readable and translated."""
    await assert_accessible_everywhere(await browsing.page(), f"/help/{topic}")


async def test_the_help_leads_to_all_of_it(browsing: World) -> None:
    """A page that is not there is said so."""
    page = await browsing.page()
    await assert_accessible_everywhere(page, "/help")
    assert await page.locator("main a.button").count() == len(TOPICS)
    assert (await (await browsing.visitor()).get("/help/nobody")).status == 404
