"""The command that writes an edge's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.broadcast.edges.__main__ import main
from tests.support.service import secret

OPTIONS = [
    *("--name", "edge1.school.test", "--origin", "10.0.0.5:7880"),
    *("--page", "https://rtc.school.test/", "--certificate", "/etc/c.pem", "--key", "/etc/k.pem"),
]


def test_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The secret is made once, for its owner only, and is the same the second time."""
    file = tmp_path / "edge.secret"
    options = [*OPTIONS, "--secret-file", str(file), "--make-secret", "--workers", "4"]
    assert main(options) == 0
    first = capsys.readouterr().out
    assert "server_name edge1.school.test;" in first
    assert "server 10.0.0.5:7880 " in first
    assert "worker_processes 4;" in first
    assert f"X-Sferum-Edge {file.read_text().strip()};" in first
    assert file.stat().st_mode & 0o077 == 0
    assert main(options) == 0
    assert capsys.readouterr().out == first


def test_what_cannot_be_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file, a word that would end a directive, a secret that is too short: exit code 2, and no secret is quoted."""
    missing = [*OPTIONS, "--secret-file", str(tmp_path / "none")]
    assert main(missing) == 2
    assert "--secret-file" in capsys.readouterr().err
    secret(tmp_path / "good", "s" * 43)
    evil = [*OPTIONS, "--secret-file", str(tmp_path / "good"), "--origin", "10.0.0.5:7880;"]
    assert main(evil) == 2
    assert "origin" in capsys.readouterr().err
    secret(tmp_path / "short", "geheim")
    assert main([*OPTIONS, "--secret-file", str(tmp_path / "short")]) == 2
    assert "geheim" not in capsys.readouterr().err
