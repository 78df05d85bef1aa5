"""The rules of tests/conftest.py hold: each is broken here on purpose, in a pytest of its own."""

from __future__ import annotations

import os

import pytest

from tests.support.fleet import Fleet
from tests.support.process import ROOT

pytest_plugins = ["pytester"]


def outcome(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, source: str
) -> pytest.RunResult:
    """Run one test file under our conftest."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(source)
    return pytester.runpytest_subprocess(
        "-p", "tests.conftest", "-p", "no:cacheprovider", "--asyncio-mode=auto"
    )


def test_a_test_without_a_story_stops_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that has no docstring is named, and nothing runs."""
    result = outcome(pytester, monkeypatch, "def test_silent(): pass")
    result.stderr.fnmatch_lines(["*tests without a docstring*test_silent*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(("ci", "expected"), [("true", {"failed": 1}), ("", {"skipped": 1})])
def test_ci_skips_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, expected: dict[str, int]
) -> None:
    """A skipped test fails where everything can be installed, and is only skipped on a developer's machine."""
    monkeypatch.setitem(os.environ, "CI", ci)
    source = "import pytest\ndef test_it():\n    'A story.'\n    pytest.skip('no redis here')"
    outcome(pytester, monkeypatch, source).assert_outcomes(**expected)


def test_a_phone_in_a_log_fails_the_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a test lets the code log is searched for personal data, at every level."""
    source = "import logging\ndef test_it():\n    'A story.'\n    logging.debug('code for %s', '+79120000001')"
    outcome(pytester, monkeypatch, source).assert_outcomes(passed=1, errors=1)


@pytest.mark.integration
def test_a_phone_in_a_server_log_is_found(homeserver: Fleet) -> None:
    """The logs of every server that a run started are searched, and the finding names the line."""
    fleet = Fleet(homeserver.directory / "leaking")
    with fleet() as server:
        assert fleet.leaks() == []
        with server.main.log.open("a") as log:
            log.write("signed in as +79120000001\n")
        (leak,) = fleet.leaks()
        assert leak.endswith(": phone")
    fleet.stop()
