"""Where the district's operator asks how this school stands (ADR 33). To anybody else there is nothing here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from signedjson.key import encode_verify_key_base64, get_verify_key
from signedjson.sign import sign_json
from synapse.module_api import (
    DirectServeJsonResource,
    LoggingTransaction,
    ModuleApi,
    SynapseRequest,
)
from synapse.module_api.errors import Codes, SynapseError

from synapse_sferum import __version__, events
from synapse_sferum.district import rows
from synapse_sferum.district.question import LARGEST_QUESTION, Question, read_claim
from synapse_sferum.district.refusals import BadRegister
from synapse_sferum.district.settings import DistrictSettings
from synapse_sferum.district.status_answer import status_answer
from synapse_sferum.district.status_budget import Minute
from synapse_sferum.district.status_rows import facts_txn
from synapse_sferum.metrics import DISTRICT_QUESTIONS
from synapse_sferum.private.server import server_key

logger = logging.getLogger(__name__)


class StatusResource(DirectServeJsonResource):
    """One question, one signed answer; on every listener of every process."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(
        self, api: ModuleApi, settings: DistrictSettings, now_ms: Callable[[], int]
    ) -> None:
        super().__init__()
        self._api, self._settings, self._now_ms = api, settings, now_ms
        self._minute = Minute()
        self._versions = {"sferum": __version__, "synapse": version("matrix-synapse")}

    async def _async_render(self, request: SynapseRequest) -> tuple[int, Any] | None:
        now_s = self._now_ms() // 1000
        address = request.get_client_ip_if_available()
        if request.method != b"POST" or request.path != events.STATUS_PATH.encode():
            raise nothing_here("other")
        if not self._minute.takes(address, now_s):
            raise nothing_here("too_many")
        try:
            question = await self._question(request)
        except BadRegister as bad:
            raise nothing_here(bad.reason.value) from None
        if not question.is_of_now(now_s):
            DISTRICT_QUESTIONS.labels("clock").inc()
            raise SynapseError(
                HTTPStatus.FORBIDDEN,
                "The clocks differ",
                Codes.FORBIDDEN,
                additional_fields={"time": now_s},
            )
        DISTRICT_QUESTIONS.labels("answered").inc()
        return 200, await self._answer(question)

    async def _question(self, request: SynapseRequest) -> Question:
        """What was asked, if the operator asked it.

        Raises:
            BadRegister: somebody else did, or it is not for this school.
        """
        data = request.content.read(LARGEST_QUESTION + 1) if request.content is not None else b""
        if len(data) > LARGEST_QUESTION:
            data = b""  # no question is so long: read as none
        claim = read_claim(
            data, district=self._settings.district, server_name=self._api.server_name
        )
        trusted = await self._api.run_db_interaction(
            "sferum_trusted_key", _trusted_key_txn, self._settings.key
        )
        return claim.by_operator(trusted)

    async def _answer(self, question: Question) -> dict[str, Any]:
        now_ms = self._now_ms()
        facts = await self._api.run_db_interaction("sferum_status", facts_txn, now_ms)
        key = server_key(self._api)
        shown = get_verify_key(key)
        answer = status_answer(
            facts,
            question,
            server_name=self._api.server_name,
            keys={f"{shown.alg}:{shown.version}": encode_verify_key_base64(shown)},
            versions=self._versions,
            now_s=now_ms // 1000,
        )
        signed: dict[str, Any] = sign_json(answer, self._api.server_name, key)
        return signed


def _trusted_key_txn(txn: LoggingTransaction, of_settings: bytes) -> bytes:
    """The register held says whom to believe; before the first, homeserver.yaml does."""
    return rows.trusted_key_txn(txn) or of_settings


def nothing_here(why: str) -> SynapseError:
    """Synapse's own answer for a path that it does not know; `why` is only counted."""
    DISTRICT_QUESTIONS.labels(why).inc()
    return SynapseError(HTTPStatus.NOT_FOUND, "Unrecognized request", Codes.UNRECOGNIZED)


def install_status(api: ModuleApi, settings: DistrictSettings, now_ms: Callable[[], int]) -> None:
    """Put it on every listener of this process."""
    api.register_web_resource(events.STATUS_PATH, StatusResource(api, settings, now_ms))
