"""Materials of the module over HTTP (docs/contracts.md §2), with the service token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from attrs import frozen

from bridge.directory_calls import DirectoryCalls, org_path
from bridge.materials import Material, Publication, Room, Shelf
from bridge.roles import Account
from serving.json_object import JsonObject


@frozen
class HttpMaterials:
    """Implements `ports_materials.Materials`. Nothing is kept: whoever has left reads nothing with the next request."""

    _calls: DirectoryCalls

    @classmethod
    def connect(
        cls, session: aiohttp.ClientSession, base_url: str, service_token: str
    ) -> HttpMaterials:
        """Nothing is sent yet.

        Raises:
            InsecureUrl: plain http to another machine.
        """
        return cls(DirectoryCalls.connect(session, base_url, service_token))

    async def shelf(
        self, account: Account, *, words: str, folder: str | None, start: int, limit: int
    ) -> Shelf:
        params = {
            "user_id": account.user_id,
            "q": words,
            "from": str(start),
            "limit": str(limit),
            **({} if folder is None else {"folder": folder}),
        }
        answer = await self._calls.get(org_path(account.org_id, "materials"), params)
        return self._calls.read(answer, _shelf)

    async def one(self, account: Account, material_id: str) -> Material | None:
        path = org_path(account.org_id, "materials", material_id)
        return await self._calls.find(path, material, {"user_id": account.user_id})

    async def rooms(self, account: Account) -> Sequence[Room]:
        answer = await self._calls.get(
            org_path(account.org_id, "material_rooms"), {"user_id": account.user_id}
        )
        return self._calls.read(answer, lambda a: tuple(map(_room, a.objects("rooms"))))

    async def publish(self, by: Account, publication: Publication) -> str:
        answer = await self._calls.change(
            "POST", org_path(by.org_id, "materials"), publication.to_json(), by.user_id
        )
        return self._calls.read(answer, lambda a: a.text("material_id"))

    async def change(self, by: Account, material_id: str, changes: Mapping[str, Any]) -> None:
        path = org_path(by.org_id, "materials", material_id)
        await self._calls.change("PUT", path, changes, by.user_id)

    async def remove(self, by: Account, material_id: str, reason: str) -> None:
        path = org_path(by.org_id, "materials", material_id)
        await self._calls.change("DELETE", path, {"reason": reason}, by.user_id)

    async def live(self, file_ids: Sequence[str]) -> frozenset[str]:
        answer = await self._calls.ask("POST", "/materials/live", {"file_ids": list(file_ids)})
        return self._calls.read(answer, lambda a: frozenset(a.texts("file_ids")))


def material(found: JsonObject) -> Material:
    return Material(
        material_id=found.text("material_id"),
        room_id=found.text("room_id"),
        room_kind=found.text("room_kind"),
        room_name=found.text("room_name"),
        folder=found.text("folder"),
        title=found.text("title"),
        name=found.text("name"),
        mimetype=found.text("mimetype"),
        size=found.number("size"),
        file_id=found.text("file_id"),
        mxc=found.text("mxc"),
        published_at=found.instant("published_ms"),
        expires_at=found.instant_or_none("expires_ms"),
        may_change=found.flag("may_change"),
    )


def _shelf(found: JsonObject) -> Shelf:
    return Shelf(
        materials=tuple(map(material, found.objects("materials"))),
        folders=tuple(
            (one.text("folder"), one.number("count")) for one in found.objects("folders")
        ),
        total=found.number("total"),
        next=found.number_or_none("next"),
    )


def _room(found: JsonObject) -> Room:
    return Room(room_id=found.text("room_id"), kind=found.text("kind"), name=found.text("name"))
