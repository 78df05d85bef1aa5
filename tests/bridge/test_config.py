"""bridge.yaml: the example is accepted, and whatever is wrong is named in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import fields

from bridge.config import Config, config_of, read_config
from bridge.contact import Phone
from serving.settings import BadConfig
from tests.support.process import ROOT

EXAMPLE = ROOT / "bridge.yaml.example"
FOLDER = Path("/etc/sferum")


def settings(**changes: Any) -> dict[str, Any]:
    """The example with changes; the value `...` removes one."""
    loaded: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    return {name: value for name, value in (loaded | changes).items() if value is not ...}


def test_the_example_is_a_configuration() -> None:
    """It is read as it stands, and the pages it describes are behind TLS."""
    config = read_config(EXAMPLE)
    assert config.secure
    assert config.host == "school.example"


def test_the_example_has_every_setting_in_order() -> None:
    """Names and order are those of `bridge.config.Config`."""
    names = [one.name for one in fields(Config) if one.name != "folder"]
    assert list(settings()) == names


def test_relative_paths_start_at_the_file() -> None:
    """Whoever moves the folder moves the whole installation."""
    config = config_of(settings(keys_file="bridge.keys", bot_store="bot"), FOLDER)
    assert config.keys_file == FOLDER / "bridge.keys"
    assert config.bot_store == FOLDER / "bot"


def test_what_is_left_out_has_a_default() -> None:
    """Five settings are enough: address, name and three files."""
    needed = ("public_url", "keys_file", "server_name", "service_token_file", "appservice_file")
    config = config_of({name: settings()[name] for name in needed}, FOLDER)
    assert config.metrics_port is None
    assert config.clients.homeserver_url == config.public_url


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"public_url": ...}, "public_url"),
        ({"keys_file": ""}, "keys_file"),
        ({"server_name": 86}, "server_name"),
        ({"no_such": 1}, "no_such"),
        ({"public_url": "http://school.example"}, "public_url"),
        ({"public_url": "https://school.example/join"}, "public_url"),
        ({"public_url": "school.example"}, "public_url"),
        ({"public_url": "https://school.example:x"}, "public_url"),
        ({"homeserver_url": "http://10.0.0.5:8008"}, "homeserver_url"),
        ({"listen_port": "8090"}, "listen_port"),
        ({"listen_port": 70000}, "listen_port"),
        ({"listen_port": True}, "listen_port"),
        ({"listen_host": None}, "listen_host"),
        ({"database": 1}, "database"),
        ({"grace_days": -1}, "grace_days"),
        ({"sms": "console"}, "sms"),
        ({"mail": None}, "mail"),
        ({"bot_store": ...}, "bot_store"),
        ({"clients": {"element": "x"}}, "clients.element"),
        ({"clients": {"cinny": "x"}}, "clients.cinny"),
        ({"clients": {"calls": "rtc.school.example"}}, "clients.calls"),
        ({"limits": {"number_hour": "3"}}, "limits.number_hour"),
        ({"limits": {"own_networks": ["x"]}}, "limits.own_networks"),
        ({"limits": {"per_hour": 3}}, "limits.per_hour"),
        ({"phones": {"regions": ["Россия"]}}, "phones"),
        ({"phones": {"regions": "RU"}}, "phones.regions"),
        ({"trusted_proxies": ["10.0.0.1/8"]}, "trusted_proxies"),
        ({"trusted_proxies": "10.0.0.0/8"}, "trusted_proxies"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], named: str) -> None:
    """The message begins with the setting."""
    with pytest.raises(BadConfig) as found:
        config_of(settings(**changes), FOLDER)
    assert str(found.value).startswith(f"{named}:")


@pytest.mark.parametrize("text", ["- a", "", "a: [", "a: b: c"])
def test_what_is_no_yaml_of_settings_is_refused(tmp_path: Path, text: str) -> None:
    """A file of anything else is named, and nothing of it is repeated."""
    path = tmp_path / "bridge.yaml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=r"bridge\.yaml"):
        read_config(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """Its path is in the message."""
    with pytest.raises(BadConfig, match=r"nowhere\.yaml"):
        read_config(tmp_path / "nowhere.yaml")


def test_secrets_are_not_in_a_repr() -> None:
    """A traceback shows no password of a gateway."""
    config = config_of(settings(sms={"preset": "kannel", "password": "geheim"}), FOLDER)
    assert "geheim" not in repr(config)


def test_numbers_for_trying_out_are_named_by_their_beginning() -> None:
    """`phones.also` reaches the rule of numbers."""
    rule = config_of(settings(phones={"also": ["+7500"]}), FOLDER).phones
    assert rule.refusal(Phone("+75001234567")) is None
