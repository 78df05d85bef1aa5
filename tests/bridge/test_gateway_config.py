"""A gateway from the configuration: what stops the start, where secrets come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.gateway import BadGateway
from bridge.gateway_config import read_gateway


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "url: missing"),
        ({"url": "ftp://x"}, "url: must begin with https"),
        ({"url": "https://{{ to }}.example"}, "url: UndefinedError"),  # nobody chooses the host
        ({"url": "https://x", "method": "DELETE"}, "method: GET or POST"),
        ({"url": "https://x", "data": {}, "json": {}}, "data and json: one of them"),
        ({"url": "https://x", "data": {"key": "{{ apikey }}"}}, "data.key: UndefinedError"),
        ({"url": "https://x", "data": {"key": "{{"}}, "data.key: TemplateSyntaxError"),
        ({"url": "https://x", "json": {"a": ["{{ 1 / 0 }}"]}}, "json.a: ZeroDivisionError"),
        (
            {"url": "https://x", "params": {"a": "{{ ''.__class__.__mro__ }}"}},
            "params.a: SecurityError",
        ),
        ({"url": "https://x", "ok_regex": "("}, "ok_regex: not a regular"),
        ({"url": "https://x", "timeout_s": True}, "timeout_s: of the wrong kind"),
        ({"url": "https://x", "basic": ["user"]}, "basic: want two"),
        ({"url": "https://x", "colour": "red"}, "colour: no such field"),
        ({"preset": "telegram"}, "preset: want one of"),
        ({"preset": "sms.ru"}, "missing 1 required keyword-only argument: 'apikey'"),
        ({"preset": "sms.ru", "apikey": {"file": "none.key"}}, "none.key: FileNotFoundError"),
    ],
)
def test_a_gateway_that_cannot_work_stops_the_start(
    tmp_path: Path, settings: dict[str, Any], why: str
) -> None:
    """Not the first newcomer on a Monday finds out."""
    with pytest.raises(BadGateway, match=why):
        read_gateway(settings, tmp_path)


def test_secrets_come_from_files(tmp_path: Path) -> None:
    """That nobody else may read; in messages they do not appear."""
    (tmp_path / "key").write_text("secret\n")
    settings = {"url": "https://x", "data": {"k": "{{ key }}"}, "vars": {"key": {"file": "key"}}}

    (tmp_path / "key").chmod(0o644)
    with pytest.raises(BadGateway, match="chmod 600"):
        read_gateway(settings, tmp_path)
    (tmp_path / "key").chmod(0o600)
    gateway = read_gateway(settings, tmp_path)
    assert gateway.request(to="", digits="", text="", id="").data == {"k": "secret"}
    assert "secret" not in repr(gateway)
    (tmp_path / "key").write_text("\n")
    with pytest.raises(BadGateway, match="empty"):
        read_gateway(settings, tmp_path)


def test_a_description_of_ones_own(tmp_path: Path) -> None:
    """Every field of the format has its meaning."""
    gateway = read_gateway(
        {
            "url": "https://gate.example/{{ path }}", "method": "GET", "params": {"n": "{{ digits }}"},
            "basic": ["{{ user }}", "pass"], "vars": {"path": "send", "user": "me"}, "ok_status": [200, 201],
            "ok_json": {"result.0.ok": True}, "id_json": "result.0.id", "timeout_s": 3,
        },
        tmp_path,
    )  # fmt: skip
    request = gateway.request(to="+1", digits="1", text="t", id="m1")

    assert (request.url, request.params, request.basic) == (
        "https://gate.example/send", {"n": "1"}, ("me", "pass"),
    )  # fmt: skip
    yes = json.dumps({"result": [{"ok": True, "id": 5}]})
    assert gateway.accepts(201, yes)
    assert gateway.reference(yes) == "5"
    assert not gateway.accepts(202, yes)
    assert not gateway.accepts(200, json.dumps({"result": []}))
