"""Synapse's own HTTP interface: accounts and devices by its admin API, sign-in as any client does it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import aiohttp
from attrs import frozen

from bridge.contact import Medium
from bridge.json_http import server_at
from bridge.ports_homeserver import (
    Device,
    HomeserverAccount,
    HomeserverDown,
    HomeserverRefused,
    SignIn,
    Threepid,
)
from bridge.roles import UserId
from serving.json_http import Answer, JsonHttp, Lost, NoAnswer, path_of
from serving.json_object import BadJson, JsonObject

T = TypeVar("T")

logger = logging.getLogger(__name__)

ADMIN = "/_synapse/admin"
CLIENT = "/_matrix/client/v3"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Name of the device that a sign-in makes for the moment until it is signed out again.
CHECK_DEVICE = "Sferum"


@frozen
class HttpHomeserver:
    """Implements `ports_homeserver.Homeserver`."""

    _http: JsonHttp

    @classmethod
    def connect(
        cls, session: aiohttp.ClientSession, base_url: str, as_token: str
    ) -> HttpHomeserver:
        """Nothing is sent yet.

        Raises:
            InsecureUrl: plain http to another machine.
        """
        return cls(server_at(session, base_url, "homeserver", as_token))

    async def account(self, user_id: UserId) -> HomeserverAccount | None:
        answer = await self._admin("GET", _user(user_id))
        if answer.is_missing:
            return None
        return self._read(answer, _account)

    async def owner(self, threepid: Threepid) -> UserId | None:
        path = "/v1" + path_of("threepid", threepid.medium.value, "users", threepid.address)
        answer = await self._admin("GET", path)
        if answer.is_missing:
            return None
        return UserId(self._read(answer, lambda found: found.text("user_id")))

    async def put_account(
        self,
        user_id: UserId,
        *,
        threepids: frozenset[Threepid] | None = None,
        password: str | None = None,
        sign_out: bool = False,
    ) -> None:
        if threepids is None and password is not None:
            # PUT would make an account that does not exist.
            path = "/v1" + path_of("reset_password", user_id)
            body: dict[str, Any] = {"new_password": password, "logout_devices": sign_out}
            self._must(await self._admin("POST", path, body))
            return
        body = {"logout_devices": sign_out}
        if threepids is not None:
            rows = sorted(threepids)
            body["threepids"] = [{"medium": t.medium.value, "address": t.address} for t in rows]
        if password is not None:
            body["password"] = password
        self._must(await self._admin("PUT", _user(user_id), body))

    async def sign_in(self, login: str, password: str, address: str) -> UserId | SignIn:
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": login},
            "password": password,
            "initial_device_display_name": CHECK_DEVICE,
        }
        # Synapse counts tries by address: everybody's would be ours.
        visitor = {"X-Forwarded-For": address, "X-Forwarded-Proto": "https"}
        answer = await self._ask("POST", f"{CLIENT}/login", body, token="", headers=visitor)
        if answer.status == 429:
            return SignIn.TOO_MANY
        if answer.status in {400, 401, 403}:  # 400: longer than any name; 401: a locked account
            return SignIn.WRONG
        user_id, token = self._read(answer, lambda a: (a.text("user_id"), a.text("access_token")))
        try:
            await self._ask("POST", f"{CLIENT}/logout", {}, token=token)
        except HomeserverDown:  # the password was right all the same; Synapse forgets old devices
            logger.warning("device left behind after a sign-in account=%s", user_id)
        return UserId(user_id)

    async def say(
        self, user_id: UserId, room_id: str, text: str, message_id: str, until: datetime
    ) -> None:
        until_ms = int(until.timestamp() * 1000)
        path = "/v1" + path_of("users", user_id, "login")
        answer = await self._admin("POST", path, {"valid_until_ms": until_ms})
        token = self._read(answer, lambda found: found.text("access_token"))
        body = {"msgtype": "m.text", "body": text}
        room = path_of("rooms", room_id, "send", "m.room.message", message_id)
        self._must(await self._ask("PUT", CLIENT + room, body, token=token))
        try:
            await self._ask("POST", f"{CLIENT}/logout", {}, token=token)
        except HomeserverDown:  # it ends by itself in a minute
            logger.warning("token left behind after a message account=%s", user_id)

    async def devices(self, user_id: UserId) -> Sequence[Device]:
        answer = await self._admin("GET", f"{_user(user_id)}/devices")
        if answer.is_missing:
            return []
        return self._read(answer, lambda found: [_device(one) for one in found.objects("devices")])

    async def delete_devices(self, user_id: UserId, device_ids: Sequence[str]) -> None:
        body = {"devices": list(device_ids)}
        self._must(await self._admin("POST", f"{_user(user_id)}/delete_devices", body))

    async def deactivate(self, user_id: UserId, *, erase: bool) -> None:
        path = "/v1" + path_of("deactivate", user_id)
        self._must(await self._admin("POST", path, {"erase": erase}))

    async def _admin(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """One call of the admin API.

        Raises:
            HomeserverDown: also when Synapse does not know our token or its account is no administrator (yet: the
                module makes it one at its start): nothing is wrong with the person whom the call is about.
        """
        answer = await self._ask(method, ADMIN + path, body)
        if answer.status in {401, 403}:
            logger.error("Synapse denies the application service status=%s", answer.status)
            raise HomeserverDown(str(self._http.lost(Lost.DENIED)))
        if answer.status == 429:
            raise HomeserverDown(str(self._http.lost(Lost.BUSY)))
        if answer.status == 404 and not answer.is_missing:
            raise HomeserverDown(str(self._http.lost(Lost.BAD_ANSWER)))
        return answer

    async def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **more: Any
    ) -> Answer:
        try:
            return await self._http.ask(method, path, body, **more)
        except NoAnswer as lost:
            raise HomeserverDown(str(lost)) from None

    @staticmethod
    def _must(answer: Answer) -> None:
        if not answer.ok:
            raise HomeserverRefused(answer.status, answer.errcode)

    def _read(self, answer: Answer, read: Callable[[JsonObject], T]) -> T:
        self._must(answer)
        try:
            return read(answer.json)
        except BadJson as bad:
            logger.warning("Synapse's answer has not the agreed shape field=%s", bad)
            raise HomeserverDown(str(self._http.lost(Lost.BAD_ANSWER))) from None


def _user(user_id: UserId) -> str:
    return "/v2" + path_of("users", user_id)


def _account(found: JsonObject) -> HomeserverAccount:
    return HomeserverAccount(
        user_id=UserId(found.text("name")),
        threepids=frozenset(_threepid(one) for one in found.objects("threepids")),
        deactivated=found.flag("deactivated"),
        locked=found.flag("locked"),
    )


def _threepid(found: JsonObject) -> Threepid:
    try:
        return Threepid(Medium(found.text("medium")), found.text("address"))
    except ValueError:
        raise BadJson("medium") from None


def _device(found: JsonObject) -> Device:
    seen_ms = found.number_or_none("last_seen_ts")
    return Device(
        device_id=found.text("device_id"),
        name=found.text_or_none("display_name") or "",
        last_seen_at=None if seen_ms is None else EPOCH + timedelta(milliseconds=seen_ms),
    )
