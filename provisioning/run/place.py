"""Where `sferum run` keeps everything: names of files below one folder. Pure."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

#: Part after the colon of every demo account. `.localhost` is nobody's (RFC 6761) and never changes with the port.
SERVER_NAME = "school.localhost"
HOST = "127.0.0.1"
#: Localparts of the bridge's two accounts, as in homeserver.yaml.example.
BRIDGE_USER, STAFF_BOT = "sferum-bridge", "sferum-bot"


@frozen
class Place:
    """The folder of one installation, `var/` unless `--var` says otherwise. `root` is absolute."""

    root: Path

    @property
    def homeserver_yaml(self) -> Path:
        """Written from homeserver.yaml.example at every start; nobody edits it."""
        return self.root / "homeserver.yaml"

    @property
    def secrets_yaml(self) -> Path:
        """Secrets that Synapse reads after homeserver.yaml; made once."""
        return self.root / "secrets.yaml"

    @property
    def local_yaml(self) -> Path:
        """Settings of whoever tries things out; read last, if it exists. We never write it."""
        return self.root / "local.yaml"

    @property
    def service_token(self) -> Path:
        return self.root / "service.token"

    @property
    def registration_secret(self) -> Path:
        return self.root / "registration.secret"

    @property
    def signing_key(self) -> Path:
        return self.root / "signing.key"

    @property
    def database(self) -> Path:
        return self.root / "homeserver.db"

    @property
    def media(self) -> Path:
        return self.root / "media"

    @property
    def broadcasts(self) -> Path:
        """Recordings, and the register of broadcasts."""
        return self.root / "broadcasts"

    @property
    def log_config(self) -> Path:
        return self.root / "log.yaml"

    @property
    def log(self) -> Path:
        """Synapse's whole log, ten files of 10 MB at most."""
        return self.root / "logs" / "homeserver.log"

    @property
    def brief_log(self) -> Path:
        """What Synapse prints: warnings, and our module's decisions. Begun anew at every start."""
        return self.root / "logs" / "brief.log"

    @property
    def pid_file(self) -> Path:
        return self.root / "synapse.pid"

    @property
    def bridge_yaml(self) -> Path:
        """Written from bridge.yaml.example at every start; nobody edits it."""
        return self.root / "bridge.yaml"

    @property
    def registration(self) -> Path:
        """Of the bridge as an application service; made once, read by Synapse and by the bridge."""
        return self.root / "appservice.yaml"

    @property
    def bridge_keys(self) -> Path:
        """Made by the bridge at its first start."""
        return self.root / "bridge.keys"

    @property
    def bridge_database(self) -> Path:
        return self.root / "bridge.db"

    @property
    def bot_store(self) -> Path:
        return self.root / "bot"

    @property
    def materials(self) -> Path:
        """Files that staff publish on the pages."""
        return self.root / "materials"

    @property
    def bridge_log(self) -> Path:
        """What the bridge does, ids only. Begun anew at every start."""
        return self.root / "logs" / "bridge.log"

    @property
    def bridge_pid(self) -> Path:
        return self.root / "bridge.pid"

    @property
    def media_yaml(self) -> Path:
        """Written from media.yaml.example at every start; nobody edits it."""
        return self.root / "media.yaml"

    @property
    def media_keys(self) -> Path:
        """Signs the tokens of calls; made once."""
        return self.root / "media.keys"

    @property
    def media_log(self) -> Path:
        """What the calls server does, ids only. Begun anew at every start."""
        return self.root / "logs" / "media.log"

    @property
    def media_pid(self) -> Path:
        return self.root / "media.pid"

    @property
    def lock(self) -> Path:
        """Held by the `sferum run` that uses this folder."""
        return self.root / "run.lock"

    @property
    def demo(self) -> Path:
        """Demo accounts and how far the sample school has come."""
        return self.root / "demo.json"

    def configurations(self) -> tuple[Path, ...]:
        """What Synapse reads, in order; a later file wins."""
        local = (self.local_yaml,) if self.local_yaml.exists() else ()
        return (self.homeserver_yaml, self.secrets_yaml, *local)


def url_of(port: int) -> str:
    """Address of a server on this machine."""
    return f"http://{HOST}:{port}"
