"""Whose files are whose."""

from __future__ import annotations

from collections import OrderedDict

from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_sferum.account import Account
from synapse_sferum.facts import Facts
from synapse_sferum.materials.rows import is_posted_txn
from synapse_sferum.policy import Deny, Party, may_read_profile
from synapse_sferum.private.tables import uploader_txn

#: The uploader of a file never changes. 50,000 at some 200 bytes are 10 MB.
_KEPT = 50_000


class Uploads:
    """Answers who uploaded a file, and who may fetch it (R27)."""

    def __init__(self, api: ModuleApi, facts: Facts, service_user: str) -> None:
        self._api = api
        self._now_ms = facts.now_ms
        self._facts = facts
        self._service_user = service_user
        self._uploaders: OrderedDict[str, str] = OrderedDict()

    async def uploader(self, media_id: str) -> str | None:
        """User id of the uploader of a local file, or None."""
        known = self._uploaders.get(media_id)
        if known is not None:
            return known
        found = await self._api.run_db_interaction("sferum_uploader", uploader_txn, media_id)
        if found is not None:
            self._uploaders[media_id] = found
            if len(self._uploaders) > _KEPT:
                self._uploaders.popitem(last=False)
        return found

    async def refusal(self, reader: Account | None, media_id: str) -> Deny | None:
        """Why `reader` may not fetch a local file: it must be of the reader's school.

        Files of somebody who has left stay with the school; pictures of managed rooms are the service user's.
        """
        if reader is None:
            return Deny.UNKNOWN
        uploader = await self.uploader(media_id)
        if uploader is None:
            return Deny.UNKNOWN
        if uploader in {self._service_user, reader.user_id}:
            return None
        refused = may_read_profile(Party(reader), Party(await self._facts.account(uploader)))
        if refused is not None and reader.org_id in await self._orgs_ever(uploader):
            return None
        return refused

    async def is_material(self, mxc: str) -> bool:
        """Whether a local file is a school's material now, posted with a chat client."""
        return await self._api.run_db_interaction(
            "sferum_posted_material", is_posted_txn, mxc, self._now_ms()
        )

    async def _orgs_ever(self, user_id: str) -> set[str]:
        def read(txn: LoggingTransaction) -> set[str]:
            txn.execute("SELECT org_id FROM sferum_people WHERE user_id = ?", (user_id,))
            return {str(row[0]) for row in txn}

        return await self._api.run_db_interaction("sferum_uploader_orgs", read)
