"""`sferum doctor`: looks at an installation and says what to do. Wires `doctor_probe` to the pure checks."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click
from attrs import frozen

from provisioning import doctor_probe as probe
from provisioning.doctor_bridge import check_bridge
from provisioning.doctor_bridge_probe import find_bridge, look_at_bridge
from provisioning.doctor_calls import check_calls
from provisioning.doctor_calls_probe import find_calls, look_at_calls
from provisioning.doctor_finding import Finding, Level, worst
from provisioning.doctor_machine import check_database, check_disk, check_files
from provisioning.doctor_server import check_public, check_server, check_versions
from provisioning.doctor_settings import (
    LOOPBACK,
    Settings,
    check_settings,
    client_ports,
    federates,
    is_trial,
)
from provisioning.doctor_texts import remedy, report, sentence
from provisioning.language import language_of
from provisioning.problem_texts import Language


@frozen(kw_only=True)
class Options:
    """What was asked for. `url` and `public` are None: as homeserver.yaml says."""

    paths: tuple[Path, ...]
    url: str | None
    token_file: Path | None
    public: str | None
    bridge: Path | None
    calls: Path | None
    as_json: bool
    language: Language


def main(argv: Sequence[str]) -> int:
    """Exit code: 0 all well, 1 warnings, 2 errors (or wrong usage)."""
    options = _parse(argv)
    try:
        configuration = probe.read_configuration(options.paths)
        example = probe.read_yaml(probe.EXAMPLE)
    except probe.Unreadable as error:
        click.echo(f"✘ {error.sentence(options.language)}", err=True)
        return int(Level.ERROR)
    try:
        findings = list(_examine(options, configuration, example))
    except probe.Unreadable as error:  # bridge.yaml, media.yaml
        click.echo(f"✘ {error.sentence(options.language)}", err=True)
        return int(Level.ERROR)
    if options.as_json:
        click.echo(_json(findings, options.language))
    else:
        for line in report(findings, options.language):
            click.echo(line)
    return int(worst(findings))


def _examine(
    options: Options, configuration: probe.Configuration, example: Settings
) -> Iterator[Finding]:
    """Every check, in the order file, machine, server, outside."""
    settings = configuration.settings
    trial = is_trial(settings)
    yield from check_settings(settings, example, trial=trial)
    python, synapse, _ = probe.versions()
    yield from check_versions(python, synapse)
    yield from check_files(probe.secret_files(configuration))
    yield check_disk(probe.disk_of(settings))
    yield check_database(probe.try_database(settings))
    token = probe.read_token(options.token_file or probe.token_path(settings))
    url = options.url or _own_url(settings)
    if token and url:
        yield from check_server(probe.ask_server(url, token))
    elif url:
        yield Finding(Level.WARNING, "server_not_asked")
    bridge = find_bridge(options.bridge, options.paths)
    if bridge is not None:
        yield from check_bridge(look_at_bridge(bridge, settings, token, url), settings, trial=trial)
    calls = find_calls(options.calls, options.paths)
    if calls is not None:
        yield from check_calls(look_at_calls(calls), settings, trial=trial)
    public = options.public or str(settings.get("public_baseurl", ""))
    if urlsplit(public).hostname and (options.public or _is_outside(public)):
        slash = public if public.endswith("/") else f"{public}/"
        yield from check_public(probe.ask_public(slash), federates=federates(settings))


def _own_url(settings: Settings) -> str | None:
    ports = client_ports(settings)
    return f"http://127.0.0.1:{ports[0]}" if ports else None


def _is_outside(url: str) -> bool:
    return urlsplit(url).hostname not in LOOPBACK


def _json(findings: Sequence[Finding], language: Language) -> str:
    rows = [
        {
            "level": finding.level.name.lower(),
            "code": finding.code,
            "subject": finding.subject,
            "figures": dict(finding.figures),
            "text": sentence(finding, language),
            "todo": remedy(finding, language),
        }
        for finding in findings
    ]
    document = {"worst": worst(findings).name.lower(), "findings": rows}
    return json.dumps(document, ensure_ascii=False, indent=2)


def _parse(argv: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="sferum doctor",
        description="Check an installation: settings, files, database, the running server, and what "
        "is reachable from outside. Nothing is changed.",
        epilog="Exit codes: 0 all well, 1 warnings, 2 errors or wrong usage.",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="homeserver.yaml and what Synapse reads after it, or their folder [var]",
    )
    parser.add_argument("--url", help="address of Synapse on this machine [from its listeners]")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="service token [service_token_path]"
    )
    parser.add_argument("--public", metavar="URL", help="address from outside [public_baseurl]")
    parser.add_argument(
        "--bridge",
        type=Path,
        metavar="FILE",
        help="bridge.yaml [beside homeserver.yaml, or /etc/sferum/bridge.yaml]",
    )
    parser.add_argument(
        "--calls",
        type=Path,
        metavar="FILE",
        help="media.yaml [beside homeserver.yaml, or /etc/sferum/media.yaml]",
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="for machines")
    parser.add_argument("--lang", choices=("ru", "en"), help="language [by locale]")
    found = parser.parse_args(argv)
    return Options(
        paths=tuple(found.paths) or (Path("var"),),
        url=found.url,
        token_file=found.token_file,
        public=found.public,
        bridge=found.bridge,
        calls=found.calls,
        as_json=found.as_json,
        language=found.lang or language_of(os.environ),
    )
