"""homeserver.yaml against the example and the table of rules. Values in, findings out; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from provisioning.doctor_finding import Finding, Level
from provisioning.doctor_rules import BY_NAME, FREE, HARMLESS, RULES

Settings = Mapping[str, Any]

MODULE = "synapse_sferum.SferumModule"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
#: Names of resources that only our own machines may reach.
INTERNAL = frozenset({"replication", "metrics", "debug", "manhole"})
#: Address left in from the example.
PLACEHOLDER = "school.example"
MISSING = object()
#: Only the bridge's belongs to a school (docs/operations.md).
APP_SERVICES = "app_service_config_files"


def check_settings(settings: Settings, example: Settings, *, trial: bool) -> list[Finding]:
    """Everything about the file itself.

    Args:
        settings: homeserver.yaml and what is read after it, merged.
        example: homeserver.yaml.example.
        trial: made by `sferum run` on this machine; what only a school's server must not have is left out.
    """
    findings = [
        *_dangerous(settings),
        *_unknown(settings, example),
        *_listeners(settings),
        *_module(settings, example),
    ]
    if not trial:
        findings += [*_address(settings), *_only_for_trial(settings)]
    if not findings:
        findings.append(Finding(Level.OK, "settings_good", figures={"count": len(RULES)}))
    return findings


def is_trial(settings: Settings) -> bool:
    """Whether `sferum run` made it: `.localhost` can be nobody's server (RFC 6761)."""
    return str(settings.get("server_name", "")).endswith(".localhost")


def value_of(settings: Settings, name: str, default: Any = None) -> Any:
    """A setting by its dotted name."""
    found: Any = settings
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return default
        found = found[part]
    return found


def _dangerous(settings: Settings) -> Iterator[Finding]:
    for rule in RULES:
        value = value_of(settings, rule.name, MISSING)
        if rule.is_safe(rule.default if value is MISSING else value):
            continue
        if rule.name == APP_SERVICES and len(appservice_files(settings)) == 1:
            continue
        code = "setting_missing" if value is MISSING else "setting_dangerous"
        yield Finding(rule.level, code, rule.name, {"wanted": rule.wanted})


def appservice_files(settings: Settings) -> list[str]:
    """Files of application services, while the module names the bridge's account: the first is the bridge's."""
    files = settings.get(APP_SERVICES)
    if not module_options(settings).get("bridge_user") or not isinstance(files, list):
        return []
    return [str(path) for path in files]


def _unknown(settings: Settings, example: Settings) -> Iterator[Finding]:
    """Settings that are neither in the example nor known to be harmless: nobody has judged them."""
    known = example.keys() | HARMLESS | {rule.name.partition(".")[0] for rule in RULES}
    for name in sorted(settings):
        if name not in known:
            yield Finding(Level.WARNING, "setting_unknown", name)
        elif isinstance(settings[name], Mapping) and name not in FREE | HARMLESS:
            shown = example.get(name)
            inner = shown if isinstance(shown, Mapping) else {}
            for part in sorted(settings[name]):
                full = f"{name}.{part}"
                if part not in inner and full not in BY_NAME and name in example:
                    yield Finding(Level.WARNING, "setting_unknown", full)


def _listeners(settings: Settings) -> Iterator[Finding]:
    for listener in _all_listeners(settings):
        port = str(listener.get("port", listener.get("path", "?")))
        names = resource_names(listener)
        addresses = listener.get("bind_addresses", listener.get("bind_address"))
        outside = "path" not in listener and not _on_loopback(addresses)
        if "federation" in names and not federates(settings):
            yield Finding(Level.ERROR, "federation_listener", port)
        if names & INTERNAL and outside:
            words = ", ".join(sorted(names & INTERNAL))
            yield Finding(Level.ERROR, "internal_listener", port, {"names": words})
        elif outside and not listener.get("tls"):
            yield Finding(Level.WARNING, "open_listener", port)
    if federates(settings) and _sends_to_nobody(settings):
        yield Finding(Level.WARNING, "sends_to_nobody", "federation_sender_instances")
    if not client_ports(settings):
        yield Finding(Level.ERROR, "no_client_listener")


def federates(settings: Settings) -> bool:
    """Whether other schools' servers are named: by the district's register, or by hand."""
    listed = settings.get("federation_domain_whitelist")
    return bool(listed or module_options(settings).get("district"))


def _sends_to_nobody(settings: Settings) -> bool:
    return bool(settings.get("federation_sender_instances", MISSING) == [])


def _all_listeners(settings: Settings) -> list[Mapping[str, Any]]:
    """Those of the process whose files these are: a worker's, then the main process's."""
    parts = [settings.get(name) for name in ("worker_listeners", "listeners")]
    rows = [row for part in parts if isinstance(part, list) for row in part]
    return [row for row in rows if isinstance(row, Mapping)]


def resource_names(listener: Mapping[str, Any]) -> frozenset[str]:
    """What a listener serves: names of resources, or its type when it is not HTTP."""
    if listener.get("type", "http") != "http":
        return frozenset({str(listener["type"])})
    resources = listener.get("resources")
    found = [r for r in resources if isinstance(r, Mapping)] if isinstance(resources, list) else []
    return frozenset(str(name) for resource in found for name in resource.get("names", []))


def client_ports(settings: Settings) -> list[int]:
    """Ports on this machine where clients are answered without TLS; a worker's own first."""
    return [
        listener["port"]
        for listener in _all_listeners(settings)
        if isinstance(listener.get("port"), int)
        and "client" in resource_names(listener)
        and not listener.get("tls")
    ]


def _on_loopback(addresses: Any) -> bool:
    """Without addresses Synapse listens on all of them."""
    found = addresses if isinstance(addresses, list) else [addresses] if addresses else []
    return bool(found) and all(address in LOOPBACK for address in found)


def _module(settings: Settings, example: Settings) -> Iterator[Finding]:
    modules = settings.get("modules")
    found = [m for m in modules if isinstance(m, Mapping)] if isinstance(modules, list) else []
    if all(module.get("module") != MODULE for module in found):
        yield Finding(Level.ERROR, "module_missing")
        return
    shown = module_options(example)
    for name in sorted(module_options(settings)):
        if name not in shown:
            yield Finding(Level.ERROR, "module_option_unknown", name)
    for module in found:
        if module.get("module") != MODULE:
            yield Finding(Level.WARNING, "other_module", str(module.get("module")))


def module_options(settings: Settings) -> Mapping[str, Any]:
    """The section of our module, or empty."""
    modules = settings.get("modules")
    for module in modules if isinstance(modules, list) else []:
        if isinstance(module, Mapping) and module.get("module") == MODULE:
            options = module.get("config")
            return options if isinstance(options, Mapping) else {}
    return {}


def _address(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(str(settings.get("public_baseurl", "")))
    if not url.hostname:
        yield Finding(Level.WARNING, "no_public_baseurl")
    elif url.scheme != "https" and url.hostname not in LOOPBACK:
        yield Finding(Level.ERROR, "plain_http", str(settings["public_baseurl"]))
    for name in ("server_name", "public_baseurl", "matrix_rtc", "extra_well_known_client_content"):
        if PLACEHOLDER in str(settings.get(name, "")):
            yield Finding(Level.WARNING, "placeholder", name)


def _only_for_trial(settings: Settings) -> Iterator[Finding]:
    for name in ("registration_shared_secret", "registration_shared_secret_path"):
        if settings.get(name):
            yield Finding(Level.WARNING, "shared_secret", name)
    database = settings.get("database")
    if isinstance(database, Mapping) and database.get("name", "sqlite3") == "sqlite3":
        yield Finding(Level.WARNING, "sqlite", "database")
