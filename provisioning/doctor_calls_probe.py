"""Looks at the calls server of this machine for `sferum doctor`, and calls it up as a browser would. Judges nothing."""

from __future__ import annotations

import asyncio
import base64
import email.utils
import hmac
import json
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from redis import Redis
from redis.exceptions import RedisError

from provisioning.doctor_calls import (
    DEFAULTS,
    CallsFacts,
    Knock,
    is_outside,
    local_url,
)
from provisioning.doctor_media_probe import asks_media, asks_relay
from provisioning.doctor_probe import EXAMPLE, TIMEOUT, find_beside, read_token, read_yaml
from provisioning.doctor_settings import Settings
from provisioning.homeserver import PREFIX

#: Beside homeserver.yaml as `sferum run` has it; else where docs/operations_calls.md puts it.
NAME, INSTALLED = "media.yaml", Path("/etc/sferum/media.yaml")
MEDIA_EXAMPLE = EXAMPLE.with_name("media.yaml.example")
#: Seconds for a whole knock: a node that is well needs a tenth of one.
KNOCK_S = 8.0
TRANSPORTS = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"
#: In the first messages of the node: its offer, and the credentials of its ports.
_UFRAG, _PWD = re.compile(rb"a=ice-ufrag:([^\s]+)"), re.compile(rb"a=ice-pwd:([^\s]+)")
_CANDIDATE = re.compile(rb"a=candidate:\S+ 1 (udp|tcp) \d+ (\S+) (\d+) typ host", re.I)


def find_calls(stated: Path | None, paths: Sequence[Path]) -> Path | None:
    """media.yaml as stated, or where it usually is; None: there is none."""
    return stated or find_beside(paths, NAME, INSTALLED)


def look_at_calls(path: Path) -> CallsFacts:
    """Everything that can be seen without changing anything; a call of nobody is opened for a moment.

    Raises:
        Unreadable: media.yaml is missing, or not YAML.
    """
    settings = read_yaml(path)
    url = local_url(settings)
    public_url = str(settings.get("public_url", "")).rstrip("/")
    client_url = str(settings.get("client_url", "")).rstrip("/")
    status, seconds = _health(url)
    token = _participant(path, settings)
    knock = asyncio.run(_knock(url, token)) if status == 200 and token else None
    outside = is_outside(public_url)
    public = asyncio.run(_knock(public_url, token, media=False)) if outside and token else None
    pages = settings.get("pages")
    section = settings.get("broadcasts")
    folder = str(section.get("folder", "")) if isinstance(section, dict) else None
    wanted = Path(str(read_yaml(MEDIA_EXAMPLE).get("pages", ""))).name
    return CallsFacts(
        path=str(path),
        settings=settings,
        refused=_refused(path),
        status=status,
        taken=_taken(settings) if status == 0 else (),
        knock=knock,
        public=public,
        clock_s=seconds,
        well_known=_well_known(client_url) if is_outside(client_url) else None,
        transports=_transports(str(settings.get("homeserver_url", "http://127.0.0.1:8008"))),
        rights=_rights(path, settings),
        redis=_redis(path, settings),
        relays=_relays(path, settings),
        pages=str(pages) if pages else None,
        broadcasts=folder,
        free_gb=_free_gb(path.parent / folder) if folder else None,
        wanted=wanted,
        files=_files(path),
        buffer=_number(Path("/proc/sys/net/core/rmem_max")),
    )


def _free_gb(folder: Path) -> float | None:
    """Of the disk that it is on, or will be: it is made at the first start."""
    for one in (folder, *folder.parents):
        try:
            return shutil.disk_usage(one).free / 1e9
        except OSError:
            continue
    return None


def _refused(path: Path) -> str | None:
    """What the calls server itself says of its settings and files."""
    try:
        asked = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "media", "--check", str(path.resolve())],
            cwd=EXAMPLE.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if asked.returncode == 0:
        return ""
    last = (asked.stderr.strip().splitlines() or [""])[-1]
    return last.removeprefix("media: ") if asked.returncode == 2 else None


def _health(url: str) -> tuple[int, float | None]:
    """Status, and how far its clock is from ours, seconds."""
    try:
        answer = httpx.get(f"{url}/healthz", timeout=TIMEOUT, trust_env=False)
    except httpx.ConnectError:
        return 0, None
    except (httpx.HTTPError, httpx.InvalidURL):
        return -1, None
    now = time.time()  # noqa: TID251 - compared with the node's clock
    try:
        theirs = email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return answer.status_code, None
    return answer.status_code, max(0.0, abs(now - theirs) - 1.0)  # its header has whole seconds


def _participant(path: Path, settings: Settings) -> str:
    """A token for a call of nobody, made as docs/contracts.md §6 says; "" when the keys cannot be read."""
    text = read_token(path.parent / str(settings.get("keys_file", "")))
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    name, colon, secret = next(lines, "").partition(":")
    if not colon:
        return ""
    now = int(time.time())  # noqa: TID251 - signed now
    video = {
        "room": f"sferum-doctor-{secrets.token_hex(4)}",
        "roomJoin": True,
        "canPublish": False,
        "hidden": True,
    }
    claims = {"iss": name.strip(), "sub": "doctor", "nbf": now, "exp": now + 60, "video": video}
    head = {"alg": "HS256", "typ": "JWT"}
    signed = b".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
    digest = hmac.digest(secret.strip().encode(), signed, "sha256")
    return b".".join((signed, _base64(digest))).decode()


def _base64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


async def _knock(base: str, token: str, *, media: bool = True) -> Knock:
    """Come in by signalling; with `media` ask every port that the node's offer names."""
    url = f"{base}/livekit/sfu/rtc?access_token={token}&auto_subscribe=0"
    try:
        async with (
            asyncio.timeout(KNOCK_S),
            aiohttp.ClientSession() as http,
            http.ws_connect(url) as signalling,
        ):
            said = b""
            while not (_CANDIDATE.search(said) and _PWD.search(said)):
                said += await signalling.receive_bytes()
            ports = _CANDIDATE.findall(said) if media else []
            ufrag, pwd = _UFRAG.search(said), _PWD.search(said)
            assert ufrag is not None  # beside the password
            assert pwd is not None
            known = (ufrag[1].decode(), pwd[1].decode())
            asked = {_name(*port): asks_media(*_port(*port), *known) for port in ports}
            answers = await asyncio.gather(*asked.values())
            return Knock(status=101, media=dict(zip(asked, answers, strict=True)))
    except aiohttp.WSServerHandshakeError as refused:
        return Knock(status=refused.status)
    except aiohttp.ClientConnectorError:
        return Knock(status=0)
    except (aiohttp.ClientError, TimeoutError, TypeError, OSError):
        return Knock(status=-1)


def _port(protocol: bytes, address: bytes, port: bytes) -> tuple[str, str, int]:
    return protocol.decode().lower(), address.decode(), int(port)


def _name(protocol: bytes, address: bytes, port: bytes) -> str:
    return "{} {}:{}".format(*_port(protocol, address, port))


def _taken(settings: Settings) -> tuple[str, ...]:
    """Ports that the node could not open now."""
    found = []
    for setting in ("listen_port", "udp_port", "tcp_port", "metrics_port"):
        port = settings.get(setting, DEFAULTS.get(setting))
        if not isinstance(port, int) or not port:
            continue
        kind = socket.SOCK_DGRAM if setting == "udp_port" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                found.append(setting)
    return tuple(found)


def _well_known(client_url: str) -> str:
    answer = _json(f"{client_url}/.well-known/matrix/client")
    foci = answer.get("org.matrix.msc4143.rtc_foci")
    first = foci[0] if isinstance(foci, list) and foci else {}
    return str(first.get("livekit_service_url", "")) if isinstance(first, dict) else ""


def _transports(homeserver: str) -> int | None:
    """401 is well: it is there, and wants to know who asks."""
    try:
        found = httpx.get(f"{homeserver}{TRANSPORTS}", timeout=TIMEOUT, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return found.status_code


def _rights(path: Path, settings: Settings) -> int | None:
    """The module's answer to the token that the calls server has; None: the file cannot be read."""
    token = read_token(path.parent / str(settings.get("service_token_file", "")))
    if not token:
        return None
    nobody = {"user_id": f"@sferum:{settings.get('server_name')}", "room_id": "!doctor"}
    try:
        answers = [
            httpx.get(
                f"{settings.get('homeserver_url', 'http://127.0.0.1:8008')}{PREFIX}/calls/rights",
                params=nobody,
                headers={"Authorization": f"Bearer {one.strip()}"},
                timeout=TIMEOUT,
                trust_env=False,
            ).status_code
            for one in token.splitlines()
        ]
    except (httpx.HTTPError, httpx.InvalidURL):
        return 0
    return 200 if 200 in answers else answers[0]


def _redis(path: Path, settings: Settings) -> str | None:
    if not (url := settings.get("redis")):
        return None
    file = settings.get("redis_password_file")
    password = read_token(path.parent / str(file)) if file else None
    try:
        client = Redis.from_url(
            str(url), password=password, socket_timeout=3, socket_connect_timeout=3
        )
        client.ping()
        client.close()
    except (RedisError, OSError, ValueError) as error:
        return type(error).__name__
    return ""


def _relays(path: Path, settings: Settings) -> Mapping[str, str]:
    turn = settings.get("turn")
    if not isinstance(turn, Mapping):
        return {}
    secret = read_token(path.parent / str(turn.get("secret_file", "")))
    now = time.time()  # noqa: TID251 - a password that is good now
    return {
        str(url): asyncio.run(asks_relay(str(url), secret, now)) for url in turn.get("urls", ())
    }


def _files(path: Path) -> int | None:
    """How many files the running node may have open, found by its command line."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            named = {str(path).encode(), str(path.resolve()).encode()}
            if b"media" not in command or named.isdisjoint(command):
                continue
            limits = (process / "limits").read_text("ascii")
        except OSError:
            continue
        found = re.search(r"^Max open files\s+(\d+)", limits, re.M)
        return int(found[1]) if found else None
    return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _json(url: str) -> dict[str, Any]:
    try:
        found = httpx.get(url, timeout=TIMEOUT, trust_env=False).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
