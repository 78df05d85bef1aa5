"""Synapse over HTTP, a real one; and what happens when something else answers."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.appservice import AppService, BadRegistration
from bridge.contact import Contact, Email
from bridge.homeserver_http import HttpHomeserver
from bridge.ports_homeserver import HomeserverDown, HomeserverRefused, SignIn
from bridge.roles import UserId
from serving.json_http import InsecureUrl
from tests.bridge.synapse_world import ORG, PASSWORD, Ways, World, threepid
from tests.support.appservice import BRIDGE_USER
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.process import free_port

ADDRESS = "203.0.113.7"


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> Iterator[World]:
    world = World.start(homeserver)
    yield world
    world.server.stop()


@pytest.fixture
async def ways(world: World) -> AsyncIterator[Ways]:
    async with world.connect() as ways:
        yield ways


@pytest.mark.integration
async def test_an_account_comes_back_with_its_contacts(world: World, ways: Ways) -> None:
    """Also its owner is found by each of them; an absent account and an absent owner are None."""
    user_id = world.new_user_id()
    contacts: tuple[Contact, ...] = (world.new_phone(), Email("anna@school.test"))
    assert await ways.homeserver.account(user_id) is None
    assert await ways.homeserver.owner(threepid(contacts[0])) is None

    wanted = frozenset(map(threepid, contacts))
    await ways.homeserver.put_account(user_id, threepids=wanted, password=PASSWORD)

    account = await ways.homeserver.account(user_id)
    assert account is not None
    assert (account.user_id, account.threepids, account.deactivated) == (user_id, wanted, False)
    for one in wanted:
        assert await ways.homeserver.owner(one) == user_id


@pytest.mark.integration
async def test_a_password_alone_makes_no_account(world: World, ways: Ways) -> None:
    """A change of password of somebody who is gone must not bring them back."""
    user_id = world.new_user_id()
    with pytest.raises(HomeserverRefused) as refused:
        await ways.homeserver.put_account(user_id, password=PASSWORD)
    assert (refused.value.status, refused.value.errcode) == (404, "M_NOT_FOUND")
    assert await ways.homeserver.account(user_id) is None


@pytest.mark.integration
async def test_sign_in_is_checked_as_a_client_would(world: World, ways: Ways) -> None:
    """By phone in any spelling, by e-mail, by name; no device stays behind; who is not let in yet is told "wrong"."""
    user_id, phone = world.new_user_id(), world.new_phone()
    wanted = frozenset({threepid(phone), threepid(Email("petr@school.test"))})
    await ways.homeserver.put_account(user_id, threepids=wanted, password=PASSWORD)
    assert await ways.homeserver.sign_in(user_id, PASSWORD, ADDRESS) is SignIn.WRONG

    await ways.directory.activate(ORG, world.person("P1"), user_id, user_id)
    for login in (user_id, phone.e164, "8" + phone.e164[2:], "Petr@School.test", user_id[1:10]):
        assert await ways.homeserver.sign_in(login, PASSWORD, ADDRESS) == user_id
    assert await ways.homeserver.sign_in(user_id, "another", ADDRESS) is SignIn.WRONG
    assert await ways.homeserver.sign_in("x" * 70_000, PASSWORD, ADDRESS) is SignIn.WRONG
    assert await ways.homeserver.devices(user_id) == []


@pytest.mark.integration
async def test_a_new_password_signs_out_whom_it_should(world: World, ways: Ways) -> None:
    """Whoever lost a phone wants every device out; whoever only forgot the password does not."""
    user_id = world.new_user_id()
    await ways.homeserver.put_account(user_id, threepids=frozenset(), password=PASSWORD)
    await ways.directory.activate(ORG, world.person("P2"), user_id, user_id)
    world.server.login(user_id, PASSWORD, device_id="PHONE")
    world.server.login(user_id, PASSWORD, device_id="LAPTOP")

    await ways.homeserver.put_account(user_id, password="второй пароль")
    assert {one.device_id for one in await ways.homeserver.devices(user_id)} == {"PHONE", "LAPTOP"}
    assert not world.may_sign_in(user_id)

    await ways.homeserver.delete_devices(user_id, ["PHONE"])
    assert {one.device_id for one in await ways.homeserver.devices(user_id)} == {"LAPTOP"}
    await ways.homeserver.put_account(user_id, password=PASSWORD, sign_out=True)
    assert await ways.homeserver.devices(user_id) == []


@pytest.mark.integration
async def test_a_closed_account_gives_its_contacts_back(world: World, ways: Ways) -> None:
    """Applicants who were refused: account gone, phone free."""
    user_id, phone = world.new_user_id(), world.new_phone()
    await ways.homeserver.put_account(user_id, threepids=frozenset({threepid(phone)}))
    await ways.homeserver.deactivate(user_id, erase=True)
    account = await ways.homeserver.account(user_id)
    assert account is not None
    assert (account.deactivated, account.threepids) == (True, frozenset())
    assert await ways.homeserver.owner(threepid(phone)) is None


@pytest.mark.integration
async def test_synapse_counts_tries_for_each_visitor(homeserver: Fleet) -> None:
    """One visitor who asks too often does not shut the door for the others."""
    limits = {**NO_RATE_LIMITS["rc_login"], "address": {"per_second": 0.001, "burst_count": 3}}
    world = World.start(homeserver, overrides={**NO_RATE_LIMITS, "rc_login": limits})
    async with world.connect() as ways:
        tries = [await ways.homeserver.sign_in("nobody", "x", ADDRESS) for _ in range(4)]
        assert tries == [SignIn.WRONG] * 3 + [SignIn.TOO_MANY]
        assert await ways.homeserver.sign_in("nobody", "x", "203.0.113.8") is SignIn.WRONG


@pytest.mark.integration
async def test_a_token_without_rights_says_nothing_of_the_person(world: World) -> None:
    """Unknown, or of somebody who is no administrator: an operator must look, and nobody's steps are given up."""
    pupil = world.server.register("pupil")
    async with aiohttp.ClientSession() as session:
        for token in ("x" * 64, pupil.access_token):
            homeserver = HttpHomeserver.connect(session, world.server.url, token)
            with pytest.raises(HomeserverDown, match="denied"):
                await homeserver.account(world.new_user_id())


async def test_a_server_that_is_not_there_is_down() -> None:
    """Try again later."""
    async with aiohttp.ClientSession() as session:
        homeserver = HttpHomeserver.connect(session, f"http://127.0.0.1:{free_port()}", "t" * 32)
        with pytest.raises(HomeserverDown, match="unreachable"):
            await homeserver.account(UserId("@u:school.test"))


def _answers(answer: Callable[[], web.Response]) -> web.Application:
    async def handle(_request: web.Request) -> web.Response:
        return answer()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    return application


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda: web.Response(status=502, text="<h1>Bad Gateway</h1>"), "failed"),
        (lambda: web.json_response({"errcode": "M_UNKNOWN"}, status=500), "failed"),
        (lambda: web.json_response({"errcode": "M_LIMIT_EXCEEDED"}, status=429), "busy"),
        (lambda: web.Response(text="<html>"), "bad_answer"),
        (lambda: web.json_response([]), "bad_answer"),
        (lambda: web.json_response({"name": 5}), "bad_answer"),
        (lambda: web.json_response({"errcode": "M_UNRECOGNIZED"}, status=404), "bad_answer"),
        (lambda: web.Response(status=302, headers={"Location": "http://evil.test"}), "bad_answer"),
        (lambda: web.Response(body=b" " * (5 * 1024 * 1024)), "too_large"),
    ],
)
async def test_a_strange_answer_is_none(answer: Callable[[], web.Response], word: str) -> None:
    """Above all a missing path is not a free phone: the wrong server would let contacts be taken away."""
    async with aiohttp.ClientSession() as session, TestServer(_answers(answer)) as server:
        homeserver = HttpHomeserver.connect(session, str(server.make_url("")), "t" * 32)
        with pytest.raises(HomeserverDown, match=word):
            await homeserver.account(UserId("@u:school.test"))


async def test_the_token_is_sent_to_no_other_machine_in_the_open() -> None:
    """https, or this machine."""
    async with aiohttp.ClientSession() as session:
        for url in ("http://school.test:8008", "ftp://127.0.0.1", "127.0.0.1:8008"):
            with pytest.raises(InsecureUrl):
                HttpHomeserver.connect(session, url, "t" * 32)
        for url in ("https://school.test", "http://localhost:8008", "http://[::1]:8008"):
            HttpHomeserver.connect(session, url, "t" * 32)


@pytest.mark.integration
def test_the_registration_is_read_when_nobody_else_can(world: World, tmp_path: Path) -> None:
    """Its token may do everything on the server."""
    path = tmp_path / "appservice.yaml"
    shutil.copy(world.server.directory / "appservice.yaml", path)
    path.chmod(0o640)
    with pytest.raises(BadRegistration, match="chmod 600"):
        AppService.read(path)
    path.chmod(0o600)
    read = AppService.read(path)
    assert (read.as_token, read.sender_localpart) == (world.server.as_token, BRIDGE_USER)
    assert read.as_token not in repr(read)


@pytest.mark.parametrize(
    "text", ["", "- a", "as_token: short", f"as_token: {'x' * 64}", "a: [", "a: \0"]
)
def test_another_file_is_no_registration(tmp_path: Path, text: str) -> None:
    """The message says what is wrong and quotes no token."""
    path = tmp_path / "appservice.yaml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(BadRegistration) as bad:
        AppService.read(path)
    assert "xxxx" not in str(bad.value)
    with pytest.raises(BadRegistration):
        AppService.read(tmp_path / "none.yaml")
