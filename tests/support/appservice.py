"""The registration of the bridge's application service, as docs/operations.md has schools write it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

#: Localparts of the module's `bridge_user` and `staff_bot` in tests.
BRIDGE_USER = "sferum-bridge"
STAFF_BOT = "sferum-bot"


@frozen(kw_only=True)
class Registration:
    """One application service.

    Attributes:
        as_token: what the bridge sends as its access token: it speaks for `bridge_user`, a server administrator.
        overrides: settings of homeserver.yaml that make Synapse read the file.
        module: options of the Sferum module that name the two accounts.
    """

    as_token: str = field(repr=False)
    overrides: Mapping[str, Any]
    module: Mapping[str, Any]


def register(directory: Path) -> Registration:
    """Write the registration's file into the server's folder."""
    as_token = secrets.token_hex(32)
    path = directory / "appservice.yaml"
    path.touch(mode=0o600)
    # JSON is YAML too.
    path.write_text(
        json.dumps(
            {
                "id": "sferum-bridge",
                "url": None,  # Synapse sends it nothing
                "as_token": as_token,
                "hs_token": secrets.token_hex(32),
                "sender_localpart": BRIDGE_USER,
                "rate_limited": False,
                "namespaces": {"users": [{"regex": f"@{STAFF_BOT}:.*", "exclusive": False}]},
            }
        )
    )
    return Registration(
        as_token=as_token,
        overrides={"app_service_config_files": [str(path)]},
        module={"bridge_user": BRIDGE_USER, "staff_bot": STAFF_BOT},
    )
