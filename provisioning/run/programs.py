"""The three programs of `sferum run`: Synapse, beside it the bridge and the calls server; and their ports."""

from __future__ import annotations

import errno
import importlib.util
import socket
import sys
from itertools import chain

from provisioning.run import trouble
from provisioning.run.child import Program
from provisioning.run.place import HOST, Place


def synapse(place: Place) -> Program:
    """The homeserver with the module.

    Raises:
        Trouble: Synapse is not installed here.
    """
    if importlib.util.find_spec("synapse") is None:
        raise trouble.not_installed("Synapse")
    command = [sys.executable, "-m", "synapse.app.homeserver"]
    for path in place.configurations():
        command += ["-c", str(path)]
    return Program(
        name="Synapse",
        command=command,
        folder=place.root,
        configuration=place.homeserver_yaml,
        pid_file=place.pid_file,
        log=place.brief_log,
    )


def bridge(place: Place) -> Program:
    """The onboarding pages. Codes that it prints appear on our own screen and are kept nowhere.

    Raises:
        Trouble: its libraries are not installed here.
    """
    if any(importlib.util.find_spec(name) is None for name in ("aiohttp", "sqlalchemy", "nio")):
        raise trouble.not_installed("bridge")
    return Program(
        name="bridge",
        command=[sys.executable, "-m", "bridge", str(place.bridge_yaml)],
        folder=place.root,
        configuration=place.bridge_yaml,
        pid_file=place.bridge_pid,
        log=place.bridge_log,
        screen=True,
    )


def media(place: Place) -> Program:
    """The calls server.

    Raises:
        Trouble: its libraries are not installed here.
    """
    if any(importlib.util.find_spec(name) is None for name in ("aiohttp", "aiortc", "livekit")):
        raise trouble.not_installed("media")
    return Program(
        name="media",
        command=[sys.executable, "-m", "media", str(place.media_yaml)],
        folder=place.root,
        configuration=place.media_yaml,
        pid_file=place.media_pid,
        log=place.media_log,
    )


def own_address() -> str:
    """This machine's address in its network; 127.0.0.1 without one. Nothing is sent.

    Browsers connect to it sooner than to 127.0.0.1: Firefox never pairs with that one.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: nobody's
        except OSError:
            return HOST
        return str(probe.getsockname()[0])


def port_is_free(port: int) -> bool:
    """Whether we may listen there, on this machine's own address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Synapse does
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def free_port_after(port: int) -> int:
    """The next port that nobody listens on."""
    candidates = chain(range(port + 1, 65536), range(8009, port))
    return next(candidate for candidate in candidates if port_is_free(candidate))
