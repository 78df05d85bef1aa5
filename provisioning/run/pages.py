"""The onboarding pages of the sample school: phones of demo people, contacts of its list, links to try.

What only the bridge may do is done by the bridge: a second `python -m bridge --trial`, which works only where codes go
to the screen. Nothing of it is done twice.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from attrs import evolve, frozen

from provisioning.bridge import Bridge
from provisioning.roster import Roster
from provisioning.run import trouble
from provisioning.run.demo import ORG_ID, DemoLink, DemoState, newcomer_of
from provisioning.run.place import Place

#: Seconds that `--trial` may take; it takes two.
TRIAL_S = 120.0
TIMEOUT = httpx.Timeout(5.0, read=60.0)


@frozen(kw_only=True)
class Pages:
    """Attributes:
    save: writes `state` to var/demo.json.
    """

    place: Place
    url: str
    state: DemoState
    save: Callable[[], None]

    def are_ready(self) -> bool:
        """Whether the pages answer."""
        return answers(f"{self.url}/health")

    def is_bot_there(self) -> bool:
        """Whether the staff bot has signed in: it has its device, and nothing is written any more."""
        return "bot signed in" in self.place.bridge_log.read_text("utf-8", "replace")

    def prepare(self, roster: Roster) -> None:
        """Contacts of the list, phones for demo people, and links.

        Raises:
            Trouble, Refusal: the bridge refused.
        """
        state = self.state
        bridge = Bridge.connect(self.url, self.place.service_token.read_text("ascii").strip())
        try:
            bridge.list_contacts(ORG_ID, roster)
        finally:
            bridge.close()
        phones = {p.source_id: p.phone.e164 for p in roster.people if p.phone is not None}
        for role, account in state.accounts.items():
            state.accounts[role] = evolve(account, phone=phones.get(account.source_id, ""))
        made = self._ask_bridge(_asked(state, roster.source))
        state.links = {
            row["name"]: DemoLink(
                row["name"], urlsplit(row["url"]).path, row["code"], row["expires_at"]
            )
            for row in made["invites"]
        }
        for role, account in state.accounts.items():
            if account.user_id not in made["bound"]:
                state.accounts[role] = evolve(account, phone="")
        pupil = state.accounts["student"]
        state.newcomer = newcomer_of(roster, pupil.class_name, but=pupil.source_id)
        self.save()

    def _ask_bridge(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        command = [sys.executable, "-m", "bridge", str(self.place.bridge_yaml), "--trial"]
        try:
            ended = subprocess.run(  # noqa: S603 - our own interpreter and files
                command,
                input=json.dumps(asked),
                cwd=self.place.root,
                capture_output=True,
                timeout=TRIAL_S,
                check=False,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is ours: we wait for it, as for a child's start
            )
        except subprocess.TimeoutExpired:
            raise trouble.not_prepared(f"{TRIAL_S:.0f} s") from None
        if ended.returncode:
            raise trouble.not_prepared(ended.stderr.strip().rpartition("\n")[2])
        answer: Mapping[str, Any] = json.loads(ended.stdout)
        return answer


def answers(url: str) -> bool:
    """Whether a program of ours is there."""
    try:
        return httpx.get(url, timeout=TIMEOUT, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _asked(state: DemoState, source: str) -> dict[str, Any]:
    """What `bridge/trial.py` reads."""
    pupil = state.accounts["student"]
    contacts = [
        {"user_id": account.user_id, "phone": account.phone}
        for account in state.accounts.values()
        if account.phone
    ]
    invites = [
        {"name": "pupil", "kind": "class_pupil", "class_name": pupil.class_name},
        {
            "name": "parent",
            "kind": "child_parent",
            "class_name": pupil.class_name,
            "source_id": pupil.source_id,
        },
        {"name": "school", "kind": "school"},
    ]
    return {
        "by": state.accounts["director"].user_id,
        "source": source,
        "contacts": contacts,
        "invites": invites,
    }
