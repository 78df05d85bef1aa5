"""Materials in the pages: published, found, played with ranges, gone with who leaves (R27)."""

from __future__ import annotations

import asyncio
import os

import aiohttp

from tests.bridge.web.axe import assert_accessible_everywhere
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.world import Reply, Visitor, World
from tests.support.polling import until_async

FILM = bytes(range(256)) * 40


async def publish(world: World, teacher: Visitor, kind: str = "class", **more: str) -> Reply:
    """A film, by the form."""
    rooms = await world.services.materials.rooms(await world.account("T1"))
    room = next(one for one in rooms if one.kind == kind)
    form = aiohttp.FormData(quote_fields=False)
    fields = {
        "csrf": teacher.csrf,
        "room_id": room.room_id,
        "title": "Опыт",
        "folder": "",
        "last_day": "",
    }
    for name, value in {**fields, **more}.items():
        form.add_field(name, value)
    form.add_field("file", FILM, filename="опыт.mp4", content_type="video/mp4")
    return await teacher._ask("POST", "/materials/new", form, {})


async def fetched(visitor: Visitor, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    given = {"Cookie": f"sid={visitor.token}", **headers}
    url = visitor.world.url + path
    async with visitor.http.get(url, headers=given, allow_redirects=False) as response:
        return response.status, await response.read(), dict(response.headers)


async def test_a_film_is_published_and_seen(world: World) -> None:
    """Whole and in ranges by the class and its parents; nobody else gets an octet of it, nor whoever has left."""
    await world.let_in("T1", "U1", "R1", "T2", "U4")
    await world.settle()
    teacher = await world.visitor("T1")
    made = await publish(world, teacher, folder="Физика/Опыты")
    assert made.status == 303, made.text
    address = made.location.partition("?")[0]
    pupil, parent = await world.visitor("U1"), await world.visitor("R1")
    page = await pupil.get(address)
    assert "<video" in page.text
    assert "media-src 'self'" in page.headers["Content-Security-Policy"]
    assert "Опыт" in (await parent.get("/materials?q=опы&folder=Физика/Опыты")).text
    for start in ("9999", "99999999", "-1", "x"):
        assert (await parent.get(f"/materials?from={start}")).status == 200
    file = f"{address}/file"
    status, body, headers = await fetched(pupil, file)
    assert (status, body) == (200, FILM)
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Accept-Ranges"] == "bytes"
    status, body, headers = await fetched(parent, file, Range="bytes=1000-1999")
    assert (status, body) == (206, FILM[1000:2000])
    assert headers["Content-Range"] == f"bytes 1000-1999/{len(FILM)}"
    assert (await fetched(pupil, file, Range="bytes=99999999-"))[0] == 416
    assert (await fetched(await world.visitor(), file))[0] == 401
    for who in ("T2", "U4"):
        other = await world.visitor(who)
        assert (await fetched(other, file))[0] == 403
        assert (await other.get(address)).status == 404
        assert (await other.get(f"{address}/remove")).status == 404
    world.school.call("POST", f"/people/{world.person_id('U1')}/leave", {"reason": "x"})
    world.services.directory._forget(world.org_id)  # type: ignore[attr-defined] # at once, not after 3 s
    assert (await fetched(pupil, file))[0] == 403


async def test_a_film_from_a_chat_client(world: World) -> None:
    """Seen and sought in as any other; the pages' account reads files of materials, and no others."""
    await world.let_in("T1", "U1")
    await world.settle()
    teacher, pupil = await world.visitor("T1"), await world.visitor("U1")
    user_id = (await world.account("T1")).user_id
    server, room = world.server, world.school.room_id("materials")

    def post() -> tuple[str, str]:
        token = server.login(user_id.removeprefix("@").partition(":")[0], PASSWORD).access_token
        found = [
            server.call(
                "POST",
                "/_matrix/media/v3/upload",
                token,
                body=FILM,
                params={"filename": "опыт.mp4"},
                headers={"Content-Type": "video/mp4"},
            )["content_uri"]
            for _ in range(2)
        ]
        info = {"mimetype": "video/mp4", "size": len(FILM)}
        content = {"msgtype": "m.video", "body": "опыт.mp4", "url": found[0], "info": info}
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/1"
        event_id = server.call("PUT", path, token, content)["event_id"]
        return f"/materials/{event_id.removeprefix('$')}", found[1]

    def copied(mxc: str) -> int:
        path = f"/_matrix/client/v1/media/download/{mxc.removeprefix('mxc://')}"
        assert server.as_token is not None
        return server.request("GET", path, server.as_token).status

    address, other = await asyncio.to_thread(post)

    reader = await world.account("U1")

    async def listed() -> bool:  # not of the page: nobody may ask it as often as this
        found = await world.services.materials.one(reader, address.rpartition("/")[2])
        return found is not None

    await until_async(listed, what="the film on the shelf")
    page = await pupil.get(address)
    assert "<video" in page.text
    assert "Открыть в чате" in page.text
    status, body, headers = await fetched(pupil, f"{address}/file", Range="bytes=1000-1999")
    assert (status, body) == (206, FILM[1000:2000])
    assert headers["Content-Range"] == f"bytes 1000-1999/{len(FILM)}"
    assert headers["Content-Type"] == "video/mp4"
    assert (await fetched(await world.visitor(), f"{address}/file"))[0] == 401
    assert await asyncio.to_thread(copied, other) == 404
    folder = world.services.config.posted_files.folder
    assert len(os.listdir(folder)) == 1
    assert (await teacher.post(f"{address}/remove", reason="")).status == 303
    assert os.listdir(folder) == []
    assert (await fetched(pupil, f"{address}/file"))[0] == 403


async def test_only_staff_publish(world: World) -> None:
    """A pupil's form is not even read to its end."""
    await world.let_in("U1", "T1")
    await world.settle()
    pupil = await world.visitor("U1")
    assert (await pupil.get("/materials/new")).status == 404
    form = aiohttp.FormData()
    form.add_field("csrf", pupil.csrf)
    form.add_field("file", b"x" * 200_000, filename="x.bin")
    assert (await pupil._ask("POST", "/materials/new", form, {})).status == 413


async def test_what_a_form_gets_wrong(world: World) -> None:
    """Nothing is kept of what was not published."""
    await world.let_in("T1")
    await world.settle()
    teacher = await world.visitor("T1")
    for more in (
        {"folder": "../x"},
        {"last_day": "2020-01-01"},
        {"last_day": "9999-12-31"},
        {"room_id": "!none"},
    ):
        assert (await publish(world, teacher, **more)).status == 422
    files = world.services.config.material_files.folder
    assert not files.exists() or not list(files.iterdir())


async def test_changed_and_taken_away(world: World) -> None:
    """Another title, a last day, and the end of it, its file too."""
    await world.let_in("T1", "U1")
    await world.settle()
    teacher, pupil = await world.visitor("T1"), await world.visitor("U1")
    address = (await publish(world, teacher, kind="materials")).location.partition("?")[0]
    assert (await teacher.get(f"{address}/edit")).status == 200
    changed = await teacher.post(
        f"{address}/edit", title="Другой опыт", folder="Физика", last_day="2099-05-25"
    )
    assert changed.status == 303, changed.text
    assert "Другой опыт" in (await pupil.get(address)).text
    assert (await teacher.get(f"{address}/remove")).status == 200
    assert (await teacher.post(f"{address}/remove", reason="")).status == 303
    assert (await pupil.get(address)).status == 404
    assert (await fetched(pupil, f"{address}/file"))[0] == 403
    folder = world.services.config.material_files.folder
    assert list(folder.iterdir()) == []


async def test_every_page_is_accessible(browsing: World) -> None:
    """No rule of axe broken, nothing cut off at 320 px, in both languages."""
    await browsing.let_in("T1")
    await browsing.settle()
    teacher = await browsing.visitor("T1")
    address = (await publish(browsing, teacher, folder="Физика")).location.partition("?")[0]
    page = await browsing.page("T1")
    for path in (
        "/materials",
        "/materials?q=ничего",
        "/materials/new",
        address,
        f"{address}/edit",
        f"{address}/remove",
    ):
        await assert_accessible_everywhere(page, path)
