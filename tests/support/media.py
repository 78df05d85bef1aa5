"""A real calls server process for a test: its folder, its configuration, what it logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import define

from media.access.key_file import new_line
from tests.support.process import free_port
from tests.support.service import ServiceProcess, secret
from tests.support.synapse import Homeserver


@define(eq=False)
class MediaProcess(ServiceProcess):
    module = "media"
    health = "/healthz"

    @classmethod
    def prepare(
        cls, folder: Path, server: Homeserver, port: int | None = None, **changes: Any
    ) -> MediaProcess:
        """Write the configuration for this homeserver; `changes` are settings of media.yaml."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder, port or free_port(), free_port())
        secret(folder / "service.token", server.service_token)
        if not (folder / "media.keys").exists():
            secret(folder / "media.keys", new_line())
        made.configure(
            {
                "public_url": made.url,
                "listen_port": made.port,
                "metrics_port": made.metrics_port,
                "homeserver_url": server.url,
                "server_name": server.server_name,
                "client_url": server.url,
                "service_token_file": "service.token",
                "keys_file": "media.keys",
                "media_host": "127.0.0.1",
                "udp_port": 0,
                "tcp_port": 0,
                "addresses": ["127.0.0.1"],
                "drain_s": 5,
                **changes,
            }
        )
        return made

    @property
    def service_url(self) -> str:
        """What Synapse names as `livekit_service_url`."""
        return f"{self.url}/livekit/jwt"

    def metrics(self) -> dict[str, float]:
        """Name with labels → value."""
        rows = (
            line.rpartition(" ") for line in self.figures().splitlines() if not line.startswith("#")
        )
        return {name: float(value) for name, _, value in rows}
