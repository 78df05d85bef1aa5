"""The broadcast pages over HTTP, as a browser without JavaScript and as the player ask for them."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from media.broadcast.pages import render
from media.broadcast.pages.shown import STATUS, Phase, Refusal, Said
from tests.media.broadcast.pages.world import CONCERT, Clock, Remembering, browsing

HERE, HOSTS = "/live/t-viewer/concert", "/live/t-host/concert"
FORM = {"Content_Type": "application/x-www-form-urlencoded"}
JSON = {"Accept": "application/json"}


async def test_the_link_of_the_announcement() -> None:
    """Whoever has a session goes on to the video; whoever has none is asked to sign in, with 401."""
    async with browsing(Remembering()) as browser:
        known = await browser.get("/watch/concert", Cookie="session=masha")
        assert (known.status, known.headers["Location"]) == (303, f"{HERE}/watch")
        sent = await browser.get("/watch/concert?ticket=good")
        assert (sent.status, sent.headers["Location"]) == (303, f"{HERE}/watch")
        assert (await browser.get("/watch/concert?ticket=used")).status == 401
        stranger = await browser.get("/watch/concert")
        assert stranger.status == 401
        assert "Войдите, чтобы смотреть" in stranger.text
        assert (
            "connect-src 'self' https://matrix.school.test;"
            in stranger.headers["Content-Security-Policy"]
        )


@pytest.mark.parametrize("why", list(Refusal))
async def test_refusals(why: Refusal) -> None:
    """Each has its status and words, for browsers and for the player, and no frame shows any of them."""
    async with browsing(Remembering(refusal=why)) as browser:
        for path in ("/watch/concert", f"{HERE}/watch", f"{HOSTS}/host"):
            page = await browser.get(path)
            assert page.status == STATUS[why]
            assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
            assert page.headers["Cache-Control"] == "no-store"
            assert "Refresh" in page.headers or why is not Refusal.UNAVAILABLE
        answer = await browser.post(f"{HERE}/heartbeat", b"{}", **JSON)
        assert (answer.status, json.loads(answer.text)) == (STATUS[why], {"refused": why.value})


async def test_who_may_see_which_page() -> None:
    """A bad token 403, another broadcast 404; a viewer finds neither panel nor figures, and starts nothing."""
    house = Remembering()
    async with browsing(house) as browser:
        assert (await browser.get("/live/guessed/concert/watch")).status == 403
        assert (await browser.get("/live/t-viewer/other/watch")).status == 404
        assert (await browser.get(f"{HERE}/host")).status == 404
        assert (await browser.get(f"{HERE}/figures")).status == 403
        for act in ("start", "stop"):
            assert (await browser.post(f"{HERE}/{act}", "sure=1", **FORM)).status == 404
        assert house.done == []
        shown = json.loads((await browser.get(f"{HOSTS}/figures")).text)
        assert shown == {"viewers": "321", "delay": "2,4 с", "stalled": "1%", "hands": "2"}


async def test_entering_by_openid() -> None:
    """The token of Matrix is the house's to judge; what is no JSON object, or too long, is 400."""
    async with browsing(Remembering()) as browser:
        good = await browser.post("/watch/concert/enter", json.dumps({"access_token": "good"}))
        assert (good.status, json.loads(good.text)) == (200, {"path": f"{HERE}/watch"})
        bad = await browser.post("/watch/concert/enter", json.dumps({"access_token": "bad"}))
        assert (bad.status, json.loads(bad.text)) == (403, {"refused": "other_school"})
        for raw in ("", "[]", "{", "[" * 3000, json.dumps({"x": "y" * 5000})):
            assert (await browser.post("/watch/concert/enter", raw)).status == 400


async def test_each_phase_has_its_page() -> None:
    """Waiting and interrupted pages look again by themselves, live ones play, ended ones wait for the recording."""
    house = Remembering()
    async with browsing(house) as browser:
        for phase, words, again in (
            (Phase.WAITING, "Начало: сегодня в 18:30.", True),
            (Phase.LIVE, 'id="video"', False),
            (Phase.PAUSED, "Трансляция прервалась", True),
            (Phase.ENDED, "Запись появится на этой странице", True),
        ):
            house.broadcast = evolve(CONCERT, phase=phase)
            page = await browser.get(f"{HERE}/watch")
            assert (page.status, "Refresh" in page.headers) == (200, again)
            assert words in page.text


async def test_a_question_without_javascript() -> None:
    """It is sent, the page is shown again by 303 and says so; a wrong one stays in its box with the reason."""
    house, clock = Remembering(), Clock()
    async with browsing(house, clock) as browser:
        sent = await browser.post(f"{HERE}/ask", "text=When+is%0Athe+end?", **FORM)
        assert (sent.status, sent.headers["Location"]) == (303, "watch?said=asked")
        assert house.asked == ["When is the end?"]
        page = await browser.get(f"{HERE}/watch?said=asked&lang=ru")
        assert "Вопрос отправлен ведущим." in page.text
        assert page.headers["Set-Cookie"].startswith("lang=ru")
        wrong = await browser.post(f"{HERE}/ask", "text=" + "x" * 501, **FORM)
        assert wrong.status == 400
        assert "длиннее 500" in wrong.text
        assert "x" * 501 in wrong.text
        assert 'href="watch?lang=en"' in wrong.text
        assert (await browser.post(f"{HERE}/ask", "text=+", **FORM)).status == 400
        assert (await browser.post(f"{HERE}/ask", '{"text": "x"}')).status == 400
        assert (await browser.post(f"{HERE}/ask", "text=" + "x" * 20_000, **FORM)).status == 400
        answers = [await browser.post(f"{HERE}/ask", "text=x", **FORM, **JSON) for _ in range(4)]
        assert [one.status for one in answers] == [200, 200, 429, 429]
        clock.now = 20.0
        assert (await browser.post(f"{HERE}/ask", "text=x", **FORM, **JSON)).status == 200
        house.slow = True
        clock.now = 50.0
        soon = await browser.post(f"{HERE}/ask", "text=x", **FORM, **JSON)
        assert (soon.status, json.loads(soon.text)) == (429, {"said": "too_soon"})
        house.slow, house.deaf = False, True
        clock.now = 90.0
        lost = await browser.post(f"{HERE}/ask", "text=x", **FORM, **JSON)
        assert (lost.status, json.loads(lost.text)) == (503, {"said": "not_sent"})


async def test_a_hand_without_javascript() -> None:
    """Raised and lowered by one button, which says what it will do; nobody is asked after the end."""
    house = Remembering()
    async with browsing(house) as browser:
        up = await browser.post(f"{HERE}/hand", "up=1", **FORM)
        assert up.headers["Location"] == "watch?said=raised"
        page = await browser.get(f"{HERE}/watch")
        assert 'value="0">Опустить руку' in page.text
        down = await browser.post(f"{HERE}/hand", "up=0", **FORM, **JSON)
        assert json.loads(down.text) == {"said": "lowered"}
        assert (await browser.post(f"{HERE}/hand", "up=2", **FORM)).status == 400
        assert house.hands == [True, False]
        house.broadcast = evolve(CONCERT, phase=Phase.ENDED)
        for path, body in (("hand", "up=1"), ("ask", "text=x")):
            assert (await browser.post(f"{HERE}/{path}", body, **FORM, **JSON)).status == 410
        assert (house.hands, house.asked) == ([True, False], [])


async def test_captions_are_typed_without_javascript() -> None:
    """Who has the code types, and so does a host; a line that is wrong stays in its field; codes are not guessed."""
    house, clock = Remembering(broadcast=evolve(CONCERT, captions=True, typists=True)), Clock()
    async with browsing(house, clock) as browser:
        assert 'href="captions"' in (await browser.get(f"{HERE}/watch")).text
        asked = await browser.get(f"{HERE}/captions")
        assert (asked.status, 'name="code"' in asked.text) == (403, True)
        wrong = await browser.get(f"{HERE}/captions?code=0000000000")
        assert "Этот код не подходит" in wrong.text
        odd = await browser.get(f"{HERE}/captions?code=%ED%A0%80%3Cscript%3E")
        assert (odd.status, "Этот код не подходит" in odd.text) == (403, True)
        dictated = await browser.get(f"{HERE}/captions?code=01234-56+789")
        assert 'action="captions?code=0123456789"' in dictated.text
        typing = f"{HERE}/captions?code=0123456789"
        page = await browser.get(typing)
        assert (page.status, 'name="line"' in page.text) == (200, True)
        assert 'href="captions?code=0123456789&amp;lang=en"' in page.text
        done = await browser.post(typing, "line=Добрый вечер", **FORM)
        assert (done.status, done.headers["Location"]) == (
            303,
            "captions?code=0123456789&said=line_shown",
        )
        shown = await browser.get(f"{HERE}/{done.headers['Location']}")
        assert "Строка показана." in shown.text
        assert "<li>Добрый вечер</li>" in shown.text
        empty = await browser.post(typing, "line=", **FORM)
        assert (empty.status, "Напишите строку" in empty.text) == (400, True)
        hosts = await browser.post(f"{HOSTS}/captions", "line=Начинаем", **FORM)
        assert hosts.headers["Location"] == "captions?said=line_shown"
        assert house.lines == ["Добрый вечер", "Начинаем"]
        fast = [await browser.post(typing, "line=a", **FORM) for _ in range(6)]
        assert [one.status for one in fast].count(400) >= 1
        house.code = "1111111111"  # the host has made a new one
        clock.now += 60.0
        assert (await browser.post(typing, "line=a", **FORM)).status == 403
        tries = [await browser.get(f"{HERE}/captions?code={n}") for n in range(8)]
        assert [one.status for one in tries] == [403] * 6 + [429] * 2
        asked_before = len(house.codes)
        right = await browser.get(f"{HERE}/captions?code=1111111111")
        assert (right.status, len(house.codes)) == (429, asked_before)
        assert (
            await browser.post("/live/guessed/concert/captions", "line=a", **FORM)
        ).status == 403


async def test_what_a_heartbeat_is_told() -> None:
    """What has come since the page was made: captions, lines for all, the way into the call."""
    house, clock = Remembering(), Clock()
    beat = json.dumps({"position": 1, "latency": None, "rebuffers": 0, "level": 360})
    async with browsing(house, clock) as browser:
        house.broadcast = evolve(CONCERT, captions=True, chat=(Said(1, "x"),))
        house.call = "/room#?roomId=x"
        told = await browser.post(f"{HERE}/heartbeat", beat)
        assert json.loads(told.text) == {
            "phase": "live",
            "captions": True,
            "chat": True,
            "call": "/room#?roomId=x",
        }


async def test_heartbeats() -> None:
    """A good one is counted and answered with the phase; a bad one names its field; a flood is 429."""
    house, clock = Remembering(), Clock()
    beat = json.dumps({"position": 1, "latency": 2.2, "rebuffers": 0, "level": 360})
    async with browsing(house, clock) as browser:
        good = await browser.post(f"{HERE}/heartbeat", beat)
        assert (good.status, json.loads(good.text)) == (200, {"phase": "live"})
        assert house.beats[0].level == 360
        bad = await browser.post(f"{HERE}/heartbeat", beat.replace("2.2", "-1"))
        assert (bad.status, json.loads(bad.text)) == (400, {"refused": "latency"})
        assert (await browser.post(f"{HERE}/heartbeat", b"x" * 100_000)).status == 400
        statuses = [(await browser.post(f"{HERE}/heartbeat", beat)).status for _ in range(6)]
        assert statuses == [200, 200, 200, 429, 429, 429]
        assert len(house.beats) == 4
        clock.now = 30.0
        assert (await browser.post(f"{HERE}/heartbeat", beat)).status == 200


async def test_the_panel() -> None:
    """Nothing starts or stops until the host has ticked that they know what it does."""
    house = Remembering(broadcast=evolve(CONCERT, phase=Phase.WAITING))
    async with browsing(house) as browser:
        unsure = await browser.post(f"{HOSTS}/start", "", **FORM)
        assert unsure.status == 400
        assert "Чтобы начать, отметьте" in unsure.text
        assert house.done == []
        sure = await browser.post(f"{HOSTS}/start", "sure=1", **FORM)
        assert (sure.status, sure.headers["Location"]) == (303, "host?said=begun")
        house.broadcast = CONCERT
        assert "Трансляция началась." in (await browser.get(f"{HOSTS}/host?said=begun")).text
        house.deaf = True
        lost = await browser.post(f"{HOSTS}/stop", "sure=1", **FORM)
        assert lost.headers["Location"] == "host?said=not_done"
        assert house.done == ["start", "stop"]


async def test_our_files() -> None:
    """Types and nosniff; a year for the version of now, nothing for another; no other file by any name."""
    async with browsing(Remembering()) as browser:
        style = await browser.get(f"{render.STATIC}/watch.css")
        assert (style.status, style.headers["Content-Type"]) == (200, "text/css")
        script = await browser.get(f"{render.STATIC}/resume.js")
        assert script.headers["Content-Type"] == "text/javascript"
        assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert (await browser.get(f"{render.STATIC}/matrix.js")).status == 200
        before = await browser.get("/watch/static/0ld/resume.js")
        assert (before.status, before.headers["Cache-Control"]) == (200, "no-cache")
        for name in ("host.js", "..%2f__init__.py", "watch.html", "%2e%2e"):
            assert (await browser.get(f"{render.STATIC}/{name}")).status == 404
