"""Hosts' pages over HTTP, without JavaScript."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import TestClient, TestServer
from attrs import evolve

from media.broadcast.desk.shown import Unable
from tests.media.broadcast.desk.world import LED, OVER, SAME, Remembering, app_of, cookie
from tests.media.broadcast.pages.world import Browser, Clock

pytestmark = pytest.mark.asyncio
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HOST = cookie() | SAME


@asynccontextmanager
async def browsing(leading: Remembering, clock: Clock | None = None) -> AsyncIterator[Browser]:
    async with TestClient(TestServer(app_of(leading, clock or Clock()))) as client:
        yield Browser(client)


async def test_nobody_sees_it_without_signing_in() -> None:
    """401 with the form to sign in, on every page; a cookie that is nobody's is none."""
    async with browsing(Remembering()) as browser:
        for path in ("/broadcasts", "/broadcasts/concert", "/broadcasts/concert/camera"):
            for headers in ({}, cookie("x")):
                answer = await browser.get(path, **headers)
                assert answer.status == 401
                assert 'id="signin"' in answer.text
        answer = await browser.post("/broadcasts", "title=x&place=", **FORM, **SAME)
        assert answer.status == 401


async def test_signing_in() -> None:
    """A proof of Matrix gives a cookie that scripts cannot read and other sites' forms do not carry."""
    async with browsing(Remembering()) as browser:
        good = await browser.post("/broadcasts/enter", '{"access_token": "good"}', **SAME)
        assert (good.status, good.text) == (200, '{"path": "/broadcasts"}')
        kept = good.headers["Set-Cookie"]
        assert kept.startswith("__Host-sferum_desk=host; ")
        assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(kept.split("; "))
        bad = await browser.post("/broadcasts/enter", '{"access_token": "x"}', **SAME)
        assert (bad.status, bad.text) == (401, '{"refused": "signed_out"}')
        for body, headers in (("[]", SAME), ("x", SAME), ('{"access_token": "good"}', {})):
            assert (await browser.post("/broadcasts/enter", body, **headers)).status == 400


async def test_from_the_onboarding_pages() -> None:
    """A ticket gives the cookie and is gone from the address; one that is used up asks to sign in."""
    async with browsing(Remembering()) as browser:
        came = await browser.get("/broadcasts?ticket=fresh")
        assert (came.status, came.headers["Location"]) == (303, "/broadcasts")
        assert "sferum_desk=host" in came.headers["Set-Cookie"]
        used = await browser.get("/broadcasts?ticket=used")
        assert used.status == 401
        assert "https://school.test/broadcasts" in used.text


async def test_from_the_list_to_the_end() -> None:
    """Create, key, start with a tick, stop, drop: each is a form, each answer a page."""
    leading = Remembering()
    async with browsing(leading) as browser:
        assert 'name="title"' in (await browser.get("/broadcasts", **HOST)).text
        made = await browser.post("/broadcasts", "title=Концерт&place=&recorded=1", **FORM, **HOST)
        assert (made.status, made.headers["Location"]) == (303, "/broadcasts/concert")
        assert [one.title for one in leading.wishes] == ["Концерт"]
        key = await browser.post("/broadcasts/concert/key", "", **FORM, **HOST)
        assert "a-key-for-obs" in key.text
        assert key.headers["Cache-Control"] == "no-store"
        unsure = await browser.post("/broadcasts/concert/start", "", **FORM, **HOST)
        assert (unsure.status, leading.done) == (400, [])
        assert "отметьте" in unsure.text
        for act, said in (("start", "begun"), ("stop", "stopped"), ("delete", "deleted")):
            done = await browser.post(f"/broadcasts/concert/{act}", "sure=1", **FORM, **HOST)
            assert done.headers["Location"] == f"/broadcasts/concert?said={said}"
        shown = await browser.post("/broadcasts/concert/show", "speaker=a", **FORM, **HOST)
        assert shown.headers["Location"].endswith("said=switched")
        gone = await browser.post("/broadcasts/concert/drop", "sure=1", **FORM, **HOST)
        assert gone.headers["Location"] == "/broadcasts"
        assert leading.done == ["begin", "finish", "delete", "show a", "drop"]


async def test_hands_and_questions() -> None:
    """Each button is a form, answered by the same page, which says what was done; odd numbers name nothing."""
    leading = Remembering()
    async with browsing(leading) as browser:
        page = await browser.get("/broadcasts/concert/floor", **HOST)
        assert "Петров Иван" in page.text
        asked = await browser.get("/broadcasts/concert/floor", **HOST, Accept="application/json")
        assert (asked.status, asked.text) == (200, '{"newest": 7}')
        assert 'data-newest="7"' in page.text
        pupil = await browser.get("/broadcasts/concert/floor", **cookie("pupil"))
        assert pupil.status == 403
        for act, said in (
            ("show", "shown_to_all"),
            ("putaway", "put_away"),
            ("takeback", "taken_back"),
            ("slow", "pace_set"),
            ("lower", "hand_lowered"),
            ("invite", "hand_invited"),
        ):
            done = await browser.post(
                f"/broadcasts/concert/floor/{act}", "number=17", **FORM, **HOST
            )
            assert done.headers["Location"] == f"/broadcasts/concert/floor?said={said}"
        await browser.post("/broadcasts/concert/floor/say", "text=Начинаем", **FORM, **HOST)
        for odd in ("", "-1", "x", "١", "9" * 17):
            await browser.post("/broadcasts/concert/floor/lower", f"number={odd}", **FORM, **HOST)
        assert leading.done == [
            *(f"{one} 17 " for one in ("show", "putaway", "takeback", "slow", "lower", "invite")),
            "say -1 Начинаем",
            *["lower -1 "] * 5,
        ]
        leading.refusal = Unable.NOT_IN_ROOM
        done = await browser.post("/broadcasts/concert/floor/invite", "number=1", **FORM, **HOST)
        told = await browser.get(done.headers["Location"], **HOST)
        assert "нет в чате звонка" in told.text
        other = await browser.post("/broadcasts/concert/floor/ban", "number=1", **FORM, **HOST)
        assert other.status == 404


async def test_captions() -> None:
    """A press turns them on; the page says where the code is."""
    leading = Remembering()
    async with browsing(leading) as browser:
        done = await browser.post("/broadcasts/concert/captions", "", **FORM, **HOST)
        assert done.headers["Location"] == "/broadcasts/concert?said=captions_on"
        assert leading.done == ["captions"]


async def test_another_school() -> None:
    """Where there are other schools a host pastes their link, and has one to give; what comes of it is said."""
    leading = Remembering(one=evolve(LED, schools=True, share_link="https://rtc.a.test/share/x/y"))
    async with browsing(leading) as browser:
        page = await browser.get("/broadcasts/concert", **HOST)
        assert "Другие школы" in page.text
        assert "https://rtc.a.test/share/x/y" in page.text
        done = await browser.post(
            "/broadcasts/concert/follow", "link=https://b/share", **FORM, **HOST
        )
        assert done.headers["Location"] == "/broadcasts/concert?said=followed"
        assert leading.done == ["follow https://b/share"]
        leading.one = evolve(leading.one, followed="away", share_link="")
        page = await browser.get("/broadcasts/concert", **HOST)
        assert "Другая школа не отвечает" in page.text
        leading.refusal = Unable.NO_LINK
        done = await browser.post("/broadcasts/concert/follow", "link=x", **FORM, **HOST)
        assert "целиком" in (await browser.get(done.headers["Location"], **HOST)).text
        leading.one = LED
        page = await browser.get("/broadcasts/concert", **HOST)
        assert "Другие школы" not in page.text


async def test_a_form_that_is_wrong_comes_back_as_typed() -> None:
    """With what is wrong, and nothing to be typed again."""
    leading = Remembering()
    async with browsing(leading) as browser:
        form = "title=Концерт&place=&date=2026-11-28"
        answer = await browser.post("/broadcasts", form, **FORM, **HOST)
        assert answer.status == 400
        assert 'value="Концерт"' in answer.text
        assert 'role="alert"' in answer.text
        other = await browser.post("/broadcasts", "title=x&place=!other", **FORM, **HOST)
        assert other.status == 400
        assert not leading.wishes


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {},
    ],
)
async def test_other_sites_press_nothing(headers: dict[str, str]) -> None:
    """A form that does not come from our own pages does nothing, whatever cookie is with it."""
    leading = Remembering()
    async with browsing(leading) as browser:
        for path, form in (("/start", "sure=1"), ("/key", ""), ("", "title=x&place=")):
            where = f"/broadcasts/concert{path}" if path else "/broadcasts"
            answer = await browser.post(where, form, **FORM, **cookie(), **headers)
            assert answer.headers["Location"] == "/broadcasts?said=form"
        origin = {"Origin": "https://rtc.school.test"}
        old = await browser.post("/broadcasts/concert/stop", "sure=1", **FORM, **cookie(), **origin)
        assert old.headers["Location"].endswith("said=stopped")
    assert (leading.done, leading.wishes) == (["finish"], [])


async def test_who_leads_nothing() -> None:
    """A pupil sees the list and no form; the page of a broadcast is 403, of none 404."""
    pupil = cookie("pupil") | SAME
    async with browsing(Remembering()) as browser:
        listed = await browser.get("/broadcasts", **pupil)
        assert 'name="title"' not in listed.text
        assert (await browser.get("/broadcasts/concert", **pupil)).status == 403
        assert (await browser.get("/broadcasts/other", **HOST)).status == 404
        made = await browser.post("/broadcasts", "title=x&place=", **FORM, **pupil)
        assert made.status == 400


async def test_what_was_not_done_is_said() -> None:
    """Each reason in words, on the page of the broadcast."""
    async with browsing(Remembering(refusal=Unable.BUSY)) as browser:
        answer = await browser.post("/broadcasts/concert/start", "sure=1", **FORM, **HOST)
        page = await browser.get(answer.headers["Location"], **HOST)
        assert "сколько выдерживает сервер" in page.text


async def test_the_camera_page_may_ask_for_the_camera() -> None:
    """And no other page may; the token is for this broadcast."""
    async with browsing(Remembering()) as browser:
        camera = await browser.get("/broadcasts/concert/camera", **HOST)
        assert "camera=(self)" in camera.headers["Permissions-Policy"]
        assert "pass-for-concert" in camera.text
        assert "/whip/concert" in camera.text
        page = await browser.get("/broadcasts/concert", **HOST)
        assert "camera=()" in page.headers["Permissions-Policy"]


async def test_presses_are_paced() -> None:
    """Twenty at once, then one in two seconds; others are not held up."""
    clock = Clock()
    leading = Remembering(one=evolve(LED, broadcast=OVER.broadcast))
    async with browsing(leading, clock) as browser:
        said = []
        for _ in range(22):
            answer = await browser.post("/broadcasts/concert/stop", "sure=1", **FORM, **HOST)
            said.append(answer.headers["Location"].rpartition("=")[2])
        assert said == ["stopped"] * 20 + ["too_often"] * 2
        clock.now = 2.0
        answer = await browser.post("/broadcasts/concert/stop", "sure=1", **FORM, **HOST)
        assert answer.headers["Location"].endswith("stopped")
