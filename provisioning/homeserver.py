"""The module's HTTP interface (`docs/contracts.md` §2), called with the service token.

Synchronous: one operator, one command. Errors are `refusals.Refusal`; a busy server is waited for,
a bounded number of times.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from attrs import frozen

from provisioning.refusals import Busy, InsecureUrl, Refusal, ServerFailed, Unreachable, refusal_of
from provisioning.roster import Roster

PREFIX = "/_synapse/client/sferum/v1"
ATTEMPTS = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
TIMEOUT = httpx.Timeout(10.0, read=300.0)  # s; planning 50,000 people takes a minute on one core
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
TRANSIENT = frozenset({429, 502, 503, 504})

Answer = Mapping[str, Any]


@frozen
class Homeserver:
    """One homeserver with the module on it.

    Attributes:
        sleep: waits that many seconds between attempts; passed in so that tests do not wait.
    """

    _client: httpx.Client
    _sleep: Callable[[float], None]

    @classmethod
    def connect(
        cls,
        url: str,
        token: str,
        sleep: Callable[[float], None],
        *,
        insecure: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> Homeserver:
        """A client for the server at `url`. Nothing is sent yet.

        Raises:
            InsecureUrl: plain http to another machine; the token would be readable on the way.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Unreachable(message="not an http address")
        if parts.scheme == "http" and parts.hostname not in LOCAL and not insecure:
            raise InsecureUrl
        client = httpx.Client(
            base_url=url.rstrip("/") + PREFIX,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
            transport=transport,
            trust_env=False,  # a proxy of the environment must not see the token
        )
        return cls(client, sleep)

    def close(self) -> None:
        self._client.close()

    def orgs(self) -> list[Answer]:
        """All schools: `{org_id, name, timezone, school_year, settings, status}`."""
        return _rows(self._ask("GET", "/orgs"), "orgs")

    def org(self, org_id: str) -> Answer:
        return self._ask("GET", _org(org_id))

    def create_org(self, org_id: str, name: str, timezone: str, school_year: str) -> Answer:
        """A new school. Not repeated by itself: the first attempt may have succeeded.

        Raises:
            OrgExists.
        """
        body = {"org_id": org_id, "name": name, "timezone": timezone, "school_year": school_year}
        return self._ask("POST", "/orgs", body, repeatable=False)

    def plan_roster(self, org_id: str, roster: Roster) -> Answer:
        """The difference a roster makes; nothing is written."""
        return self._ask("POST", f"{_org(org_id)}/roster/plan", {"roster": roster.to_wire()})

    def apply_roster(self, org_id: str, roster: Roster, plan_hash: str, *, force: bool) -> Answer:
        """Write the planned difference. Applying the same again changes nothing, so it is repeated.

        Raises:
            StalePlan, UnsafePlan, LastAdministrator.
        """
        body = {"roster": roster.to_wire(), "plan_hash": plan_hash, "force": force}
        return self._ask("POST", f"{_org(org_id)}/roster/apply", body)

    def year(self, org_id: str) -> Answer:
        """The school's year, and its last promotion."""
        return self._ask("GET", f"{_org(org_id)}/year")

    def plan_year(self, org_id: str, plan: Mapping[str, object] | None) -> Answer:
        """What a plan of the school year would do; None asks for the draft. Nothing is written."""
        return self._ask("POST", f"{_org(org_id)}/year/plan", {"plan": plan})

    def apply_year(self, org_id: str, plan: Mapping[str, object], plan_hash: str) -> Answer:
        """Promote the school. Applying the same plan again changes nothing, so it is repeated.

        Raises:
            StalePlan, YearConflicts, LastAdministrator.
        """
        body = {"plan": plan, "plan_hash": plan_hash}
        return self._ask("POST", f"{_org(org_id)}/year/apply", body)

    def undo_year(self, org_id: str) -> Answer:
        """Take the last promotion back; again, there is nothing to do.

        Raises:
            NoUndo.
        """
        return self._ask("POST", f"{_org(org_id)}/year/undo", {})

    def classes(self, org_id: str) -> list[Answer]:
        """Open classes of the year."""
        return _rows(self._ask("GET", f"{_org(org_id)}/classes"), "classes")

    def numbered(self, org_id: str, source: str, source_id: str) -> list[Answer]:
        """The record with this number of a list; none or one."""
        query = httpx.QueryParams(source=source, source_id=source_id)
        return _rows(self._ask("GET", f"{_org(org_id)}/people?{query}"), "people")

    def move(
        self, org_id: str, person_id: str, from_class_id: str, to_class_id: str, reason: str
    ) -> None:
        """A pupil changes class. Not repeated by itself: the second time the pupil is not there any more."""
        body = {"from_class_id": from_class_id, "to_class_id": to_class_id, "reason": reason}
        path = f"{_org(org_id)}/people/{quote(person_id, safe='')}/move"
        self._ask("POST", path, body, repeatable=False)

    def split_class(self, org_id: str, class_id: str, name: str, person_ids: Sequence[str]) -> None:
        """Some pupils become a class of their own. Not repeated by itself.

        Raises:
            NameTaken, NotInClass.
        """
        body = {"name": name, "person_ids": list(person_ids)}
        path = f"{_org(org_id)}/classes/{quote(class_id, safe='')}/split"
        self._ask("POST", path, body, repeatable=False)

    def merge_classes(self, org_id: str, class_ids: Sequence[str], name: str) -> None:
        """Several classes become one. Not repeated by itself.

        Raises:
            NameTaken.
        """
        body = {"class_ids": list(class_ids), "name": name}
        self._ask("POST", f"{_org(org_id)}/classes/merge", body, repeatable=False)

    def set_substitute(self, org_id: str, class_id: str, person_id: str, until: str | None) -> None:
        """Somebody beside the class teacher until a day, ISO 8601; None ends it.

        Raises:
            IsTeacher.
        """
        body = {"person_id": person_id, "until": until}
        path = f"{_org(org_id)}/classes/{quote(class_id, safe='')}/substitute"
        self._ask("PUT", path, body)

    def progress(self, org_id: str) -> Answer:
        return self._ask("GET", f"{_org(org_id)}/progress")

    def sanction(self, org_id: str) -> None:
        """Let a held change of the rooms go on: a person has looked at it."""
        self._ask("POST", f"{_org(org_id)}/reconcile", {"sanction": True})

    def dead_jobs(self, org_id: str) -> list[Answer]:
        """Tasks the server has given up on."""
        return _rows(self._ask("GET", f"{_org(org_id)}/jobs?state=dead"), "jobs")

    def retry_job(self, org_id: str, job_id: str) -> None:
        self._ask("POST", f"{_org(org_id)}/jobs/{quote(job_id, safe='')}/retry", {})

    def why(self, org_id: str, user_id: str, room_id: str) -> Answer:
        """Every reason for or against a membership (R51)."""
        query = httpx.QueryParams(user_id=user_id, room_id=room_id)
        return self._ask("GET", f"{_org(org_id)}/why?{query}")

    def members(self, org_id: str, room_id: str) -> list[Answer]:
        """A room's members for export (R28)."""
        query = httpx.QueryParams(room_id=room_id)
        return _rows(self._ask("GET", f"{_org(org_id)}/members?{query}"), "members")

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        repeatable: bool = True,
    ) -> Answer:
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                response = self._client.request(
                    method, path, content=content, headers={"Content-Type": "application/json"}
                )
            except httpx.ConnectError as error:
                raise Unreachable(message=type(error).__name__) from None
            except httpx.HTTPError as error:
                if last or not repeatable:
                    raise Unreachable(message=type(error).__name__) from None
                self._sleep(_backoff_s(attempt))
                continue
            answer = _object(response)
            if response.is_success:
                if answer is None:
                    raise ServerFailed(message="the answer is not a JSON object")
                return answer
            refusal = refusal_of(response.status_code, answer or {})
            may_wait = response.status_code in TRANSIENT and (
                repeatable or response.status_code == 429
            )
            if last or not may_wait:
                raise refusal
            self._sleep(_wait_s(response, answer or {}, attempt))
        raise Busy  # unreachable: the last attempt returns or raises


def _backoff_s(attempt: int) -> float:
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (attempt - 1))


def _wait_s(response: httpx.Response, answer: Answer, attempt: int) -> float:
    """Seconds the server asks for (Retry-After, or Matrix' retry_after_ms), at most 60."""
    asked: object = response.headers.get("Retry-After")
    if asked is None and isinstance(answer.get("retry_after_ms"), int | float):
        asked = answer["retry_after_ms"] / 1000
    try:
        seconds = float(str(asked)) if asked is not None else _backoff_s(attempt)
    except ValueError:
        seconds = _backoff_s(attempt)  # an HTTP date: rare, our own pace will do
    return min(LONGEST_WAIT_S, seconds) if seconds >= 0 else _backoff_s(attempt)


def _object(response: httpx.Response) -> Answer | None:
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _rows(answer: Answer, name: str) -> list[Answer]:
    rows = answer.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ServerFailed(message=f"{name} is not a list of objects")
    return rows


def _org(org_id: str) -> str:
    return f"/orgs/{quote(org_id, safe='')}"


__all__ = ["Answer", "Homeserver", "Refusal"]
