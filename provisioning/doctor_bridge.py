"""The bridge: bridge.yaml, its files, and how they fit Synapse's → findings. Values in, findings out; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from provisioning.doctor_finding import Finding, Level
from provisioning.doctor_machine import FileFacts
from provisioning.doctor_settings import LOOPBACK, PLACEHOLDER, Settings, module_options

#: From so many people on SQLite is too slow: a first of September has a registration a second.
MOST_ON_SQLITE = 300


@frozen(kw_only=True)
class BridgeFacts:
    """Attributes:
    path: of bridge.yaml.
    files: those it names; the bridge's user alone may read them.
    registration: its copy, as Synapse reads such files; None: cannot be read.
    synapse_registrations: as_token → sender_localpart of every file in `app_service_config_files` that we can read.
    same_service_token: None: one of the two cannot be read.
    people: of all schools; None: not known.
    status: of its /health on this machine; 0: nobody listens, -1: no proper answer.
    public_status: the same through `public_url`; None: not asked.
    """

    path: str
    settings: Settings
    files: tuple[FileFacts, ...] = ()
    registration: Mapping[str, Any] | None = field(default=None, repr=False)
    synapse_registrations: Mapping[str, str] = field(factory=dict, repr=False)
    same_service_token: bool | None = None
    people: int | None = None
    status: int = 200
    public_status: int | None = None


def check_bridge(facts: BridgeFacts, homeserver: Settings, *, trial: bool) -> list[Finding]:
    """Everything about it, in the order settings, files, Synapse, running.

    Args:
        homeserver: homeserver.yaml and what is read after it.
        trial: of `sferum run`: what only a school must not have is left out.
    """
    findings = [*_settings(facts, homeserver, trial=trial), *_files(facts)]
    findings += [*_fits_synapse(facts, homeserver), *_runs(facts)]
    if all(finding.level is Level.OK for finding in findings):
        findings.append(Finding(Level.OK, "bridge_good", facts.path))
    return findings


def local_url(settings: Settings) -> str:
    """Where the bridge answers on this machine."""
    host = str(settings.get("listen_host", "127.0.0.1"))
    shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 (compared, not listened on)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{settings.get('listen_port', 8090)}"


def _settings(facts: BridgeFacts, homeserver: Settings, *, trial: bool) -> Iterator[Finding]:
    settings = facts.settings
    if settings.get("server_name") != homeserver.get("server_name"):
        yield Finding(Level.ERROR, "bridge_server_name", str(settings.get("server_name", "")))
    if trial:
        return
    url = urlsplit(str(settings.get("public_url", "")))
    if url.scheme != "https":
        yield Finding(Level.ERROR, "plain_http", f"public_url: {url.geturl()}")
    for name in ("public_url", "clients"):
        if PLACEHOLDER in str(settings.get(name, "")):
            yield Finding(Level.WARNING, "placeholder", f"bridge.yaml: {name}")
    if str(settings.get("listen_host", "127.0.0.1")) not in LOOPBACK:
        yield Finding(Level.WARNING, "bridge_open", local_url(settings))
    for name in ("sms", "mail"):
        section = settings.get(name, {"console": True})
        if isinstance(section, Mapping) and section.get("console") is True:
            level = Level.ERROR if name == "sms" else Level.WARNING
            yield Finding(level, "bridge_console", name)
    small = facts.people is not None and facts.people <= MOST_ON_SQLITE
    if str(settings.get("database", "sqlite")).startswith("sqlite") and not small:
        yield Finding(Level.WARNING, "bridge_sqlite", "", {"most": MOST_ON_SQLITE})


def _files(facts: BridgeFacts) -> Iterator[Finding]:
    for file in facts.files:
        if file.mode is None:
            first = file.setting == "keys_file" and facts.status == 0
            code = "bridge_keys_to_come" if first else "file_missing"
            level = Level.WARNING if first else Level.ERROR
            yield Finding(level, code, file.path, {"by": file.setting})
        elif file.mode & 0o077:
            figures = {"mode": f"{file.mode & 0o777:04o}"}
            yield Finding(Level.ERROR, "bridge_file_open", file.path, figures)


def _fits_synapse(facts: BridgeFacts, homeserver: Settings) -> Iterator[Finding]:
    options = module_options(homeserver)
    if facts.same_service_token is False:
        yield Finding(Level.ERROR, "bridge_token_differs", "service_token_file")
    registration = facts.registration
    if registration is not None:
        sender = str(registration.get("sender_localpart", ""))
        if str(registration.get("as_token", "")) not in facts.synapse_registrations:
            yield Finding(Level.ERROR, "bridge_unregistered", "appservice_file")
        if sender != options.get("bridge_user"):
            yield Finding(Level.ERROR, "bridge_user_differs", sender)
        if registration.get("url") is not None:
            yield Finding(Level.WARNING, "bridge_registration_url", str(registration.get("url")))
    bot = str(facts.settings.get("bot", ""))
    if bot and bot != options.get("staff_bot"):
        yield Finding(Level.ERROR, "bridge_bot_differs", bot)


def _runs(facts: BridgeFacts) -> Iterator[Finding]:
    url = local_url(facts.settings)
    if facts.status <= 0:
        yield Finding(Level.ERROR, "bridge_silent", url)
    elif facts.status != 200:
        yield Finding(Level.ERROR, "bridge_failing", url, {"status": facts.status})
    else:
        yield Finding(Level.OK, "bridge_runs", url)
    if facts.public_status is not None and facts.public_status != 200:
        yield Finding(Level.ERROR, "public_silent", str(facts.settings.get("public_url", "")))
