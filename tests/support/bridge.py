"""A real bridge process for a test: its folder, its configuration, what it shows and what it logs."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from attrs import define

from tests.support.process import free_port
from tests.support.service import ServiceProcess, secret
from tests.support.synapse import Homeserver


@define(eq=False)
class BridgeProcess(ServiceProcess):
    """Codes are on the `screen`."""

    module = "bridge"
    health = "/health"

    @classmethod
    def prepare(cls, folder: Path, server: Homeserver, **changes: Any) -> BridgeProcess:
        """Write the configuration for this homeserver, codes on the screen; `changes` are settings of bridge.yaml."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder, free_port(), free_port())
        secret(folder / "service.token", server.service_token)
        registration = (server.directory / "appservice.yaml").read_text()
        secret(folder / "appservice.yaml", registration)
        made.configure(
            {
                "public_url": made.api.base_url,
                "listen_port": made.port,
                "metrics_port": made.metrics_port,
                "database": f"sqlite+aiosqlite:///{folder / 'bridge.db'}",
                "keys_file": "bridge.keys",
                "homeserver_url": server.url,
                "server_name": server.server_name,
                "service_token_file": "service.token",
                "appservice_file": "appservice.yaml",
                **changes,
            }
        )
        return made

    @property
    def screen(self) -> Path:
        return self.folder / "screen"

    def shown(self) -> str:
        """What was put on the screen so far."""
        return self.screen.read_text("utf-8") if self.screen.exists() else ""


def new_token() -> str:
    """Something that must be in no log."""
    return secrets.token_urlsafe(16)
