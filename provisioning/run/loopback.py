"""The few calls that only `sferum run` makes: Synapse's shared-secret registration, and activation.

Everything goes to 127.0.0.1; the rest of the module's interface is `provisioning.homeserver`.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha1
from typing import Any
from urllib.parse import quote

import httpx
from attrs import frozen

from provisioning.homeserver import PREFIX
from provisioning.run import trouble

REGISTER = "/_synapse/admin/v1/register"
PAGE = 500
TIMEOUT = httpx.Timeout(5.0, read=60.0)


@frozen
class Loopback:
    """The homeserver on this machine, with the service token."""

    _client: httpx.Client

    @classmethod
    def connect(cls, url: str, service_token: str) -> Loopback:
        """Nothing is sent yet; no proxy of the environment is used."""
        headers = {"Authorization": f"Bearer {service_token}"}
        client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False)
        return cls(client)

    def close(self) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        """Whether Synapse answers and the module has made its tables."""
        try:
            answer = self._client.get(f"{PREFIX}/health")
            schema = answer.json()["schema"] if answer.is_success else None
        except (httpx.HTTPError, ValueError, KeyError):
            return False
        return isinstance(schema, dict) and schema.get("found") == schema.get("wanted")

    def people(self, org_id: str, role: str) -> Iterable[Mapping[str, Any]]:
        """Everybody of a school with this role, page by page."""
        start: int | None = 0
        while start is not None:
            query = f"role={role}&limit={PAGE}&from={start}"
            answer = self._ask("GET", f"{PREFIX}/orgs/{org_id}/people?{query}")
            yield from answer["people"]
            start = answer["next"]

    def register(self, localpart: str, password: str, shared_secret: str) -> None:
        """Make an account without a device. One that exists already is ours, from a start that was cut off.

        Raises:
            Trouble: refused.
        """
        nonce = str(self._ask("GET", REGISTER)["nonce"])
        message = "\0".join((nonce, localpart, password, "notadmin"))
        # HMAC-SHA1 is Synapse's choice; over loopback, with a secret of 32 bytes, it is enough.
        mac = hmac.new(shared_secret.encode(), message.encode(), sha1).hexdigest()
        body = {
            "nonce": nonce,
            "username": localpart,
            "password": password,
            "admin": False,
            "mac": mac,
            "inhibit_login": True,
        }
        self._ask("POST", REGISTER, body, fine="M_USER_IN_USE")

    def activate(self, org_id: str, person_id: str, user_id: str) -> None:
        self._ask("POST", _person(org_id, person_id) + "/activate", {"user_id": user_id})

    def confirm(self, org_id: str, person_id: str) -> None:
        """A parent's yes (R17)."""
        self._ask("POST", _person(org_id, person_id) + "/confirm", {"confirmed": True})

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, fine: str = ""
    ) -> Mapping[str, Any]:
        """The JSON of the answer.

        Raises:
            Trouble: an error other than the one that is `fine`.
        """
        try:
            answer = self._client.request(method, path, json=body)
            content = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise trouble.refused(f"{method} {_bare(path)}", 0, type(error).__name__) from None
        errcode = str(content.get("errcode", ""))
        if answer.is_success or (fine and errcode == fine):
            return dict(content)
        raise trouble.refused(f"{method} {_bare(path)}", answer.status_code, errcode)


def _person(org_id: str, person_id: str) -> str:
    return f"{PREFIX}/orgs/{org_id}/people/{quote(person_id, safe='')}"


def _bare(path: str) -> str:
    return path.partition("?")[0]
