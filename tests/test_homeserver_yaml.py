"""homeserver.yaml.example: Synapse boots with it, reads every key of it, and it describes our module fully."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import NOTHING, fields
from synapse.config.homeserver import HomeServerConfig

from synapse_sferum.config import Config
from tests.support import configuration
from tests.support.fleet import Fleet

#: Handed on whole by the parser and read while Synapse runs; the tests below prove most of them.
READ_AT_RUN_TIME = {
    "database.args",  # goes to the database driver
    "default_power_level_content_override.private_chat",  # read when a room is created
    "extra_well_known_client_content.org.matrix.msc4143.rtc_foci",  # copied into /.well-known
    "password_config.policy.minimum_length",  # read when a password is set
}


class Read(dict[str, Any]):
    """A mapping that remembers which of its first keys were asked for."""

    def __init__(self, source: dict[str, Any]) -> None:
        super().__init__({key: _watched(value) for key, value in source.items()})
        self.first = tuple(source)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        """Overridden so that `f(**mapping)` asks for each key, instead of copying the memory."""
        return super().__iter__()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def items(self) -> Any:
        self.asked |= set(self.first)
        return super().items()

    def unread(self, prefix: str = "") -> Iterator[str]:
        """Dotted names of the keys, at any depth, that nobody asked for."""
        for key in self.first:
            if key in self.asked:
                yield from _unread(super().get(key), f"{prefix}{key}.")
            else:
                yield prefix + key


def _watched(value: Any) -> Any:
    if isinstance(value, dict):
        return Read(value)
    if isinstance(value, list):
        return [_watched(one) for one in value]
    return value


def _unread(value: Any, prefix: str) -> Iterator[str]:
    if isinstance(value, Read):
        yield from value.unread(prefix)
    elif isinstance(value, list):
        for one in value:
            yield from _unread(one, prefix)


def unread_keys(directory: Path, **more: Any) -> set[str]:
    """Keys of the example (and `more`) that Synapse does not read when it parses its configuration."""
    config, _ = configuration.build(
        directory, server_name="school.test", port=8008, module={}, overrides=more
    )
    watched = Read(config)
    HomeServerConfig().parse_config_dict(watched, str(directory), str(directory))
    return set(watched.unread())


def test_synapse_reads_every_key(tmp_path: Path) -> None:
    """No key of the example is misspelt, outdated or in the wrong place."""
    assert unread_keys(tmp_path) == READ_AT_RUN_TIME


@pytest.mark.parametrize(
    ("bogus", "name"),
    [
        ({"no_such_setting": True}, "no_such_setting"),
        ({"presence": {"enabled": True, "no_such": 1}}, "presence.no_such"),
        ({"push": {"no_such": True}}, "push.no_such"),
        (
            {"experimental_features": {"msc0000_enabled": True}},
            "experimental_features.msc0000_enabled",
        ),
        ({"rc_message": {"per_second": 5, "burst_count": 9, "no_such": 1}}, "rc_message.no_such"),
    ],
)
def test_a_key_that_synapse_does_not_know_is_found(
    tmp_path: Path, bogus: dict[str, Any], name: str
) -> None:
    """The check above can fail: bogus keys, outer and inner, are named."""
    assert name in unread_keys(tmp_path, **bogus)


def module_section() -> dict[str, Any]:
    """The options of our module, as the example has them."""
    (module,) = configuration.example()["modules"]
    assert module["module"] == "synapse_sferum.SferumModule"
    section: dict[str, Any] = module["config"]
    return section


def test_the_module_section_has_every_option_in_order() -> None:
    """Names and order of the options are those of `synapse_sferum.config.Config`."""
    assert list(module_section()) == [option.name for option in fields(Config)]


def test_the_module_section_shows_the_defaults() -> None:
    """Whoever deletes an option from the example changes nothing; the section itself is accepted."""
    shown = Config.from_dict(module_section())
    for option in fields(Config):
        if option.default is not NOTHING:
            assert getattr(shown, option.name) == option.default, option.name


@pytest.mark.integration
def test_synapse_boots_with_it(homeserver: Fleet) -> None:
    """A server with only paths, ports and test secrets replaced starts, module included."""
    with homeserver(module={}) as server:
        assert server.request("GET", "/_matrix/client/versions").status == 200


@pytest.mark.integration
def test_it_is_closed(homeserver: Fleet) -> None:
    """Without an account nothing but signing in is possible: no registration, no guests, no public rooms."""
    with homeserver() as server:
        for kind in ("user", "guest"):
            answer = server.request("POST", f"/_matrix/client/v3/register?kind={kind}", json={})
            assert answer.status == 403, kind
        assert server.request("GET", "/_matrix/client/v3/publicRooms").status == 401
        assert server.request("GET", "/_matrix/client/v3/profile/@anna:school.test").status == 401
        assert server.request("GET", "/_matrix/federation/v1/version").status == 404


@pytest.mark.integration
def test_calls_are_announced(homeserver: Fleet) -> None:
    """Clients learn where the calls server is from .well-known and from the RTC transports call."""
    with homeserver() as server:
        focus = {"type": "livekit", "livekit_service_url": "https://rtc.school.example/livekit/jwt"}
        well_known = server.call("GET", "/.well-known/matrix/client")
        assert well_known["org.matrix.msc4143.rtc_foci"] == [focus]
        token = server.register("anna").access_token
        path = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"
        assert server.call("GET", path, token) == {"rtc_transports": [focus]}


@pytest.mark.integration
def test_a_short_password_is_refused(homeserver: Fleet) -> None:
    """The password policy is in force, so its minimum length is read."""
    with homeserver() as server:
        account = server.register("anna")
        answer = server.request(
            "POST",
            "/_matrix/client/v3/account/password",
            account.access_token,
            {
                "new_password": "short",
                "auth": {
                    "type": "m.login.password",
                    "identifier": {"type": "m.id.user", "user": account.user_id},
                    "password": account.password,
                },
            },
        )
        assert (answer.status, answer.errcode) == (400, "M_PASSWORD_TOO_SHORT")
