"""Settings of the module and of a school: a wrong one is named, and nothing is guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from synapse.module_api.errors import ConfigError

from synapse_sferum.config import Config
from synapse_sferum.model import OrgSettings
from synapse_sferum.module import SferumModule, read_service_token

TOKEN = {"service_token_path": "/nowhere"}


def test_only_the_token_is_needed() -> None:
    """Everything else has a default."""
    config = Config.from_dict(TOKEN)
    assert (config.apply_rate, config.job_tries, config.group_limit) == (40.0, 6, 100)


def test_lists_are_kept() -> None:
    """YAML lists arrive as tuples."""
    config = Config.from_dict({**TOKEN, "operator_users": ["@op:school.test"], "push_gateways": []})
    assert config.operator_users == ("@op:school.test",)
    assert config.push_gateways == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"apply_rate": 0},
        {"apply_rate": 1001},
        {"apply_rate": "fast"},
        {"apply_rate": True},
        {"job_tries": 0},
        {"job_tries": 2.5},
        {"job_tries": True},
        {"poll_interval_s": 0.01},
        {"poll_interval_s": None},
        {"group_limit": 1},
        {"operator_users": "@op:school.test"},
        {"operator_users": ["op"]},
        {"operator_users": [5]},
        {"push_gateways": ["ftp://x"]},
        {"push_gateways": None},
        {"service_token_path": 5},
        {"bridge_user": "@bridge:school.test"},
        {"bridge_user": "sferum"},
        {"bridge_user": None},
        {"staff_bot": "79161234567"},
        {"staff_bot": "uabcdefgh"},
        {"staff_bot": "Bot"},
        {"staff_bot": "bot\n"},
    ],
    ids=str,
)
def test_a_wrong_option_is_named(wrong: dict[str, Any]) -> None:
    """The message is one sentence with the option's name."""
    (name,) = wrong
    with pytest.raises(ValueError, match=name) as refused:
        Config.from_dict({**TOKEN, **wrong})
    assert "Attribute(" not in str(refused.value)


def test_accounts_of_our_own() -> None:
    """Two localparts, or none; one account for both would make the bot a server administrator."""
    config = Config.from_dict({**TOKEN, "bridge_user": "sferum-bridge", "staff_bot": "sferum-bot"})
    assert (config.bridge_user, config.staff_bot) == ("sferum-bridge", "sferum-bot")
    assert Config.from_dict(TOKEN).staff_bot == ""
    with pytest.raises(ValueError, match="'staff_bot' must be another account than 'bridge_user'"):
        Config.from_dict({**TOKEN, "bridge_user": "sferum-bot", "staff_bot": "sferum-bot"})


def test_an_unknown_and_a_missing_option_are_named() -> None:
    """A misspelt option is not ignored in silence."""
    with pytest.raises(ValueError, match="unknown option 'aply_rate'"):
        Config.from_dict({**TOKEN, "aply_rate": 1})
    with pytest.raises(ValueError, match="'service_token_path' is missing"):
        Config.from_dict({})


@pytest.mark.parametrize(
    "wrong",
    [
        {"removal_limit": 1.5},
        {"removal_limit": -0.1},
        {"removal_limit": "0.5"},
        {"removal_limit": True},
        {"removal_limit": None},
        {"encrypted_kinds": ["attic"]},
        {"encrypted_kinds": [["class"]]},
        {"encrypted_kinds": "class"},
        {"confirmation_required": 1},
        {"classmates_may_write": None},
        {"staff_across_schools": "yes"},
        {"quiet": True},
    ],
    ids=str,
)
def test_a_wrong_setting_is_named(wrong: dict[str, Any]) -> None:
    """The same for what a school sets for itself."""
    (name,) = wrong
    with pytest.raises(ValueError, match=name) as refused:
        OrgSettings.from_dict(wrong)
    assert "Attribute(" not in str(refused.value)


def test_settings_survive_their_json() -> None:
    """What is written is read back, every key present."""
    settings = OrgSettings.from_dict({"removal_limit": 0, "encrypted_kinds": ["staff", "class"]})
    assert OrgSettings.from_dict(settings.to_dict()) == settings
    assert settings.to_dict()["encrypted_kinds"] == ["staff", "class"]


@pytest.mark.parametrize("content", ["short", "x" * 20 + "\n" + "y" * 20, ""])
def test_a_bad_service_token_stops_the_start(tmp_path: Path, content: str) -> None:
    """The file must hold one line of 32 characters or more; the message has its path, not its content."""
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(ConfigError, match=str(path)) as refused:
        SferumModule.parse_config({"service_token_path": str(path)})
    assert "xxxx" not in str(refused.value)


def test_a_good_service_token_is_read(tmp_path: Path) -> None:
    """White space around the token does not count."""
    path = tmp_path / "token"
    path.write_text("t" * 32 + "\n")
    config = SferumModule.parse_config({"service_token_path": str(path)})
    assert read_service_token(config) == "t" * 32


def test_a_missing_token_file_stops_the_start() -> None:
    """The error names the file."""
    with pytest.raises(ConfigError, match="/nowhere"):
        SferumModule.parse_config(TOKEN)
