"""The calls server: media.yaml, the running node, how clients reach it → findings. Values in, findings out; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from attrs import Factory, field, frozen

from provisioning.doctor_finding import Finding, Level
from provisioning.doctor_server import CLOCK_ERROR_S, CLOCK_WARNING_S
from provisioning.doctor_settings import LOOPBACK, PLACEHOLDER, Settings

#: Bytes the node asks the kernel for (media/transport/sockets.py).
BUFFER = 2_097_152
#: Files at once: two sockets for each of 1,000 people, and room to spare.
FEWEST_FILES = 8192
#: Gigabytes: a dozen evenings of 720p.
FREE_GB = 20
DEFAULTS = {"listen_port": 7880, "udp_port": 7882, "tcp_port": 7881}


@frozen(kw_only=True)
class Knock:
    """A client of doctor's own came to the node, as a browser would.

    Attributes:
        status: of the WebSocket: 101 it was let in, 401 its token was refused; 0: nobody listens, -1: no proper answer.
        media: candidate, `udp 198.51.100.7:7882` → whether the node answered there.
    """

    status: int
    media: Mapping[str, bool] = Factory(dict)


@frozen(kw_only=True)
class CallsFacts:
    """Attributes:
    path: of media.yaml.
    refused: why the calls server would not start with it; "": it would, None: it could not be asked.
    status: of /healthz on this machine; 0: nobody listens, -1: no proper answer.
    taken: settings whose ports somebody else has, asked while the node does not run.
    knock: over its own port. public: over public_url; None: not asked.
    clock_s: how far the node's clock is from ours.
    well_known: what clients are told at client_url; None: not asked, "": nothing.
    transports: status of Synapse's own answer to "where are calls?"; None: not asked.
    rights: status of the module's answer to the calls server's token; 0: nobody listens.
    redis, relays: what is wrong, by address; "": nothing.
    pages: folder of Element Call; wanted: the folder's name in the example; None: no page.
    broadcasts: their folder; None: there are none. free_gb: of its disk; None: not known.
    files: how many the running node may have open; None: not known.
    buffer: the kernel's largest, bytes; None: not known.
    """

    path: str
    settings: Settings = field(repr=False)
    refused: str | None = ""
    status: int = 200
    taken: tuple[str, ...] = ()
    knock: Knock | None = None
    public: Knock | None = None
    clock_s: float | None = None
    well_known: str | None = None
    transports: int | None = None
    rights: int | None = None
    redis: str | None = None
    relays: Mapping[str, str] = Factory(dict)
    pages: str | None = None
    wanted: str = ""
    broadcasts: str | None = None
    free_gb: float | None = None
    files: int | None = None
    buffer: int | None = None


def check_calls(facts: CallsFacts, homeserver: Settings, *, trial: bool) -> list[Finding]:
    """Everything about it, in the order settings, running, media ports, Synapse, other services, machine.

    Args:
        trial: of `sferum run`: what only a school must not have is left out.
    """
    findings = [*_settings(facts, homeserver, trial=trial), *_runs(facts), *_media(facts)]
    findings += [*_synapse(facts, homeserver), *_services(facts)]
    if not trial:
        findings += [*_page(facts), *_broadcasts(facts), *_machine(facts)]
    if all(finding.level is Level.OK for finding in findings):
        findings.append(Finding(Level.OK, "calls_good", facts.path))
    return findings


def local_url(settings: Settings) -> str:
    """Where the node answers on this machine."""
    host = str(settings.get("listen_host", "127.0.0.1"))
    shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 (compared, not listened on)
    port = settings.get("listen_port", DEFAULTS["listen_port"])
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def service_url(settings: Settings) -> str:
    """What Synapse must name as `livekit_service_url`."""
    return f"{str(settings.get('public_url', '')).rstrip('/')}/livekit/jwt"


def is_outside(url: object) -> bool:
    """Whether clients of other machines are told this address."""
    host = urlsplit(str(url)).hostname or ""
    return host not in LOOPBACK and not _is_inner(host)


def _is_inner(address: str) -> bool:
    try:
        return not ip_address(address).is_global
    except ValueError:  # a name
        return False


def _settings(facts: CallsFacts, homeserver: Settings, *, trial: bool) -> Iterator[Finding]:
    settings = facts.settings
    if facts.refused:
        yield Finding(Level.ERROR, "calls_refused", facts.path, {"line": facts.refused})
    if settings.get("server_name") != homeserver.get("server_name"):
        yield Finding(Level.ERROR, "calls_server_name", str(settings.get("server_name", "")))
    if trial:
        return
    for name in ("public_url", "client_url", "server_name"):
        if PLACEHOLDER in str(settings.get(name, "")):
            yield Finding(Level.WARNING, "placeholder", f"media.yaml: {name}")
    addresses = [str(one) for one in settings.get("addresses") or ()]
    if addresses and is_outside(settings.get("public_url")) and all(map(_is_inner, addresses)):
        yield Finding(Level.ERROR, "calls_addresses_inner", ", ".join(addresses))


def _runs(facts: CallsFacts) -> Iterator[Finding]:
    url = local_url(facts.settings)
    for setting in facts.taken:
        port = facts.settings.get(setting, DEFAULTS.get(setting))
        yield Finding(Level.ERROR, "calls_port_taken", setting, {"port": port})
    if facts.status == 0:
        yield Finding(Level.ERROR, "calls_silent", url)
    elif facts.status != 200:
        yield Finding(Level.ERROR, "calls_failing", url, {"status": facts.status})
    elif facts.knock is not None and facts.knock.status == 401:
        yield Finding(Level.ERROR, "calls_token_refused", "keys_file")
    elif facts.knock is not None and facts.knock.status != 101:
        yield Finding(Level.ERROR, "calls_shut", url, {"status": facts.knock.status})
    else:
        yield Finding(Level.OK, "calls_runs", url)
    public = facts.public
    shown = str(facts.settings.get("public_url", ""))
    if public is not None and facts.status == 200:
        if public.status <= 0 or public.status in {404, 502, 504}:
            yield Finding(Level.ERROR, "calls_public_silent", shown)
        elif public.status != 101:
            yield Finding(Level.ERROR, "calls_public_no_socket", shown, {"status": public.status})
    if facts.clock_s is not None and facts.clock_s > CLOCK_WARNING_S:
        level = Level.ERROR if facts.clock_s > CLOCK_ERROR_S else Level.WARNING
        yield Finding(level, "calls_clock", "", {"seconds": round(facts.clock_s)})


def _media(facts: CallsFacts) -> Iterator[Finding]:
    if facts.knock is None or facts.knock.status != 101:
        return
    answered = facts.knock.media
    for protocol, level in (("udp", Level.ERROR), ("tcp", Level.WARNING)):
        ports = {name: ok for name, ok in answered.items() if name.startswith(protocol)}
        silent = [name for name, ok in ports.items() if not ok]
        none = len(silent) == len(ports)
        for name in silent:
            code = f"calls_{protocol}_silent" if none else "calls_address_silent"
            yield Finding(level if none else Level.WARNING, code, name)
    if answered and all(answered.values()):
        yield Finding(Level.OK, "calls_media", ", ".join(answered))


def _synapse(facts: CallsFacts, homeserver: Settings) -> Iterator[Finding]:
    wanted = service_url(facts.settings)
    if wanted not in set(_named(homeserver.get("matrix_rtc"))):
        yield Finding(Level.ERROR, "calls_not_named", "matrix_rtc", {"wanted": wanted})
    if wanted not in set(_named(homeserver.get("extra_well_known_client_content"))):
        subject = "extra_well_known_client_content"
        yield Finding(Level.ERROR, "calls_not_named", subject, {"wanted": wanted})
    elif facts.well_known is not None and facts.well_known != wanted:
        subject = f"{facts.settings.get('client_url')}/.well-known/matrix/client"
        yield Finding(Level.WARNING, "calls_well_known", subject, {"wanted": wanted})
    if facts.transports == 404:
        yield Finding(Level.ERROR, "calls_no_transports", "msc4143_enabled")
    if facts.rights == 401:
        yield Finding(Level.ERROR, "calls_service_token", "service_token_file")
    elif facts.rights is not None and facts.rights != 200:
        subject = str(facts.settings.get("homeserver_url", ""))
        yield Finding(Level.ERROR, "calls_no_rights", subject, {"status": facts.rights})
    elif facts.rights == 200:
        yield Finding(Level.OK, "calls_rights")


def _named(section: Any) -> Iterator[str]:
    """Every `livekit_service_url` in it."""
    if isinstance(section, Mapping):
        for key, value in section.items():
            if key == "livekit_service_url":
                yield str(value)
            else:
                yield from _named(value)
    elif isinstance(section, list):
        for one in section:
            yield from _named(one)


def _services(facts: CallsFacts) -> Iterator[Finding]:
    if facts.redis:
        yield Finding(Level.ERROR, "calls_redis", "redis", {"why": facts.redis})
    for url, why in facts.relays.items():
        if why:
            yield Finding(Level.ERROR, "calls_relay", url, {"why": why})
        else:
            yield Finding(Level.OK, "calls_relay_good", url)


def _page(facts: CallsFacts) -> Iterator[Finding]:
    if facts.pages is None:
        yield Finding(Level.WARNING, "calls_no_page", "pages")
    elif facts.wanted and facts.pages.rstrip("/").rpartition("/")[2] != facts.wanted:
        yield Finding(Level.WARNING, "calls_old_page", facts.pages, {"wanted": facts.wanted})


def _broadcasts(facts: CallsFacts) -> Iterator[Finding]:
    if facts.broadcasts is None:
        yield Finding(Level.WARNING, "broadcasts_off", "broadcasts")
    elif facts.free_gb is not None and facts.free_gb < FREE_GB:
        figures = {"free": round(facts.free_gb, 1), "least": FREE_GB}
        yield Finding(Level.WARNING, "broadcasts_disk", facts.broadcasts, figures)


def _machine(facts: CallsFacts) -> Iterator[Finding]:
    if facts.files is not None and facts.files < FEWEST_FILES:
        figures = {"files": facts.files, "least": FEWEST_FILES}
        yield Finding(Level.WARNING, "calls_few_files", "LimitNOFILE", figures)
    if facts.buffer is not None and facts.buffer < BUFFER:
        figures = {"bytes": facts.buffer, "least": BUFFER}
        yield Finding(Level.WARNING, "calls_small_buffer", "net.core.rmem_max", figures)
