"""Settings from YAML: what is wrong is named in one line. What each service wants is tested with it."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from serving import settings
from serving.settings import BadConfig

EXAMPLE = "https://school.example"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"- a", "want settings, one `name: value` a line"),
        (b"", "want settings, one `name: value` a line"),
        (b"a: [", "ParserError"),
        (b"a: \xff", "UnicodeDecodeError"),
        (b"day: 2026-02-30", "ValueError"),
        (b"[" * 5000, "TooDeep"),
        (b"a: " + b"[" * settings.MOST_LEVELS + b"]" * settings.MOST_LEVELS, "TooDeep"),
    ],
)
def test_another_file_is_no_settings(tmp_path: Path, raw: bytes, why: str) -> None:
    """Whatever is in it, the message names the file."""
    path = tmp_path / "service.yaml"
    path.write_bytes(raw)
    with pytest.raises(BadConfig, match=f"service.yaml: {why}"):
        settings.read(path)
    with pytest.raises(BadConfig, match=r"none\.yaml: FileNotFoundError"):
        settings.read(tmp_path / "none.yaml")


def test_settings_may_be_nested(tmp_path: Path) -> None:
    """Nineteen lists in a mapping are more than anybody needs."""
    path = tmp_path / "service.yaml"
    path.write_text("a: " + "[" * 19 + "]" * 19, "utf-8")
    assert "a" in settings.read(path)


@pytest.mark.parametrize(
    ("value", "in_the_open", "url"),
    [
        ("https://school.example/", False, "https://school.example"),
        ("https://school.example:8443", False, "https://school.example:8443"),
        ("http://localhost:80", False, "http://localhost:80"),
        ("http://[::1]:80", False, "http://[::1]:80"),
        ("http://10.0.0.5", True, "http://10.0.0.5"),
    ],
)
def test_an_address_has_no_slash_at_its_end(value: str, in_the_open: bool, url: str) -> None:
    """Plain http for this machine, and where a service says that the network is its own."""
    assert settings.url_of("url", value, EXAMPLE, in_the_open=in_the_open) == url


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("school.example", "want an address such as https://school.example, without a path"),
        ("https://school.example/join", "without a path"),
        ("https://school.example:x", "want an address such as https://school.example$"),
        ("ftp://school.example", "without a path"),
        ("http://10.0.0.5", "want https://"),
        (None, "want str"),
    ],
)
def test_what_is_no_address(value: Any, why: str) -> None:
    """The message shows one."""
    with pytest.raises(BadConfig, match=f"^url: .*{why}"):
        settings.url_of("url", value, EXAMPLE)


def test_numbers_and_texts_are_taken_as_they_are() -> None:
    """Within their bounds; a port has its own; null where it may be."""
    kinds = {int: ("a_port", "days"), str: ("name",)}
    settings.check_kinds({"a_port": None, "days": 30, "name": "x"}, kinds, {"a_port"}, 30)
    for wrong in ({"a_port": 65536}, {"days": 31}, {"days": -1}, {"days": True}, {"name": None}):
        with pytest.raises(BadConfig, match=f"^{next(iter(wrong))}: want"):
            settings.check_kinds(wrong, kinds, {"a_port"}, 30)


def test_a_name_that_is_misspelt_is_said() -> None:
    """Else it would do nothing."""
    with pytest.raises(BadConfig, match=r"^prot: no such setting; want one of port, host$"):
        settings.only_known({"prot": 1}, ["port", "host"])


def test_networks() -> None:
    """As administrators write them."""
    assert settings.networks_of("n", ["192.0.2.0/24"]) == (ip_network("192.0.2.0/24"),)
    for wrong in ("192.0.2.0/24", ["192.0.2.1/24"], [None], [False], [0]):
        with pytest.raises(BadConfig, match=r"^n: want"):
            settings.networks_of("n", wrong)
