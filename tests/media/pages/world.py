"""A class call with the host page open in Chromium; the others are guests of the Python SDK, which costs little."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import numpy as np
from attrs import Factory, define
from livekit import rtc
from playwright.async_api import Browser, BrowserContext, Page

from tests.media.element_call.world import PICTURES
from tests.support.accounts import Account
from tests.support.media import MediaProcess
from tests.support.school import School
from tests.support.synapse import Homeserver

OPERATOR = "operator"
RATE = 48_000


@define(eq=False)
class Guest:
    """One connection of a person."""

    account: Account
    room: rtc.Room

    async def publish_tone(self) -> rtc.LocalAudioTrack:
        """A microphone with a tone of one second."""
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        wave = (np.sin(np.arange(RATE // 50) * 0.06) * 9000).astype(np.int16).tobytes()
        await source.capture_frame(rtc.AudioFrame(wave, RATE, 1, RATE // 50))
        return track

    async def raise_hand(self) -> None:
        """As a client of LiveKit's does it."""
        await self.room.local_participant.publish_data(b"1", reliable=True, topic="sferum.hand")


@define
class HostWorld:
    school: School
    media: MediaProcess
    browser: Browser
    guests: list[Guest] = Factory(list)
    contexts: list[BrowserContext] = Factory(list)

    @property
    def server(self) -> Homeserver:
        return self.school.server

    def account(self, source_id: str) -> Account:
        return self.school.signed_in[source_id]

    async def token(self, account: Account, room_id: str, device: str = "PHONE") -> str:
        """Of the calls server, as a client on this device asks for it."""

        def ask() -> str:
            path = f"/_matrix/client/v3/user/{quote(account.user_id)}/openid/request_token"
            openid = self.server.call("POST", path, account.access_token, {})
            body = {"room": room_id, "openid_token": openid, "device_id": device}
            return str(self.media.api.call("POST", "/livekit/jwt/sfu/get", json=body)["jwt"])

        return await asyncio.to_thread(ask)

    async def desk(
        self, source_id: str, room_id: str, body: Mapping[str, Any] | None = None, path: str = ""
    ) -> tuple[int, Any]:
        """What the host page asks, without the page."""
        token = await self.token(self.account(source_id), room_id)
        path = f"/livekit/host/{path or ('state' if body is None else 'ask')}"
        method = "GET" if body is None else "POST"
        answer = await asyncio.to_thread(self.media.api.request, method, path, token, body)
        return answer.status, answer.json

    async def join(self, source_id: str, room_id: str, device: str = "PHONE") -> Guest:
        """One connection more of a person, in the call or waiting."""
        token = await self.token(self.account(source_id), room_id, device)
        room = rtc.Room()
        url = self.media.url.replace("http", "ws", 1) + "/livekit/sfu"
        await room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
        guest = Guest(self.account(source_id), room)
        self.guests.append(guest)
        return guest

    async def open(self, source_id: str = "", path: str = "/host", **options: Any) -> Page:
        """The page, signed in as somebody or as nobody, in a browser of their own."""
        options = {"locale": "ru-RU", "viewport": {"width": 900, "height": 900}} | options
        context = await self.browser.new_context(base_url=self.media.url, **options)
        self.contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(60_000)
        if source_id:
            await page.goto("/host/host.css")
            await page.evaluate(
                "text => localStorage.setItem('matrix-auth-store', text)", self.store(source_id)
            )
        await page.goto(path)
        return page

    def store(self, source_id: str) -> str:
        """A session as Element Call keeps it."""
        one = self.account(source_id)
        return (
            f'{{"user_id": "{one.user_id}", "device_id": "{one.device_id}", '
            f'"access_token": "{one.access_token}", "passwordlessUser": false}}'
        )

    async def leave(self) -> None:
        """Everybody hangs up, and closes their browsers."""
        for guest in self.guests:
            await guest.room.disconnect()
        self.guests.clear()
        for context in self.contexts:
            await context.close()
        self.contexts.clear()


async def picture(page: Page, name: str) -> None:
    """Kept in var/pictures, to be looked at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"host_{name}.png", full_page=True)
