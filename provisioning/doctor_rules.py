"""Settings of homeserver.yaml that protect a school: what they must be, and why. A table; pure.

The same order as homeserver.yaml.example. `default` is what Synapse 1.163 takes when the line is missing, so that a
deleted line is judged like the value it stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from provisioning.doctor_finding import Level

ERROR, WARNING = Level.ERROR, Level.WARNING


@frozen
class Rule:
    """One setting.

    Attributes:
        name: dotted, as in the file.
        default: Synapse's own.
        is_safe: whether a value protects.
        wanted: what to write instead.
        ru, en: what happens otherwise.
    """

    name: str
    default: Any
    is_safe: Callable[[Any], bool]
    wanted: str
    level: Level
    ru: str
    en: str


def off(value: Any) -> bool:
    return value is False or value is None


def on(value: Any) -> bool:
    return value is True


def empty(value: Any) -> bool:
    return not value


def is_list(value: Any) -> bool:
    return isinstance(value, list)


def denies_all(value: Any) -> bool:
    """A list of publication or alias rules that allows nothing."""
    return is_list(value) and not any(
        not isinstance(rule, dict) or rule.get("action") != "deny" for rule in value
    )


def at_least(number: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and value >= number


def is_text(text: str) -> Callable[[Any], bool]:
    return lambda value: str(value) == text


RULES: tuple[Rule, ...] = (
    Rule("report_stats", False, off, "false", WARNING,
         "сведения о сервере уходят разработчикам Synapse",
         "figures about this server are sent to Synapse's makers"),
    Rule("federation_domain_whitelist", None, is_list, "[]", ERROR,
         "без этого списка с сервером может говорить любой сервер Matrix в мире",
         "without this list any Matrix server in the world may talk to this one"),
    Rule("allow_profile_lookup_over_federation", True, off, "false", WARNING,
         "другие серверы смогут узнавать имена учеников",
         "other servers can look up pupils' names"),
    Rule("allow_device_name_lookup_over_federation", False, off, "false", WARNING,
         "другие серверы увидят названия телефонов",
         "other servers can see the names of phones"),
    Rule("trusted_key_servers", ["matrix.org"], empty, "[]", WARNING,
         "сервер спрашивает чужой сервер о ключах и тем сообщает, с кем он связан",
         "the server asks a third server for keys, and so tells whom it talks to"),
    Rule("require_auth_for_profile_requests", False, on, "true", ERROR,
         "имена людей школы видны без входа",
         "names of the school's people can be read without signing in"),
    Rule("include_profile_data_on_invite", True, off, "false", WARNING,
         "приглашение показывает имя и фото до согласия",
         "an invitation shows name and picture before it is accepted"),
    Rule("allow_per_room_profiles", True, off, "false", WARNING,
         "ученик может назваться в чате чужим именем",
         "a pupil can take another name in a room"),
    Rule("enable_set_displayname", True, off, "false", WARNING,
         "ученик может переименоваться; имена берутся из списка школы",
         "a pupil can rename themselves; names come from the school's list"),
    Rule("allow_public_rooms_without_auth", False, off, "false", ERROR,
         "список чатов виден без входа",
         "the list of rooms can be read without signing in"),
    Rule("allow_public_rooms_over_federation", False, off, "false", ERROR,
         "список чатов виден другим серверам",
         "the list of rooms can be read by other servers"),
    Rule("enable_room_list_search", True, off, "false", WARNING,
         "в клиентах появляется общий список чатов",
         "clients show a public list of rooms"),
    Rule("room_list_publication_rules", [{"action": "deny"}], denies_all, "[{action: deny}]", WARNING,
         "чат может попасть в общий список",
         "a room could be put into the public list"),
    Rule("alias_creation_rules", None, denies_all, "[{action: deny}]", WARNING,
         "адрес чата выдаёт посторонним, что чат существует",
         "an address tells strangers that a room exists"),
    Rule("enable_registration", False, off, "false", ERROR,
         "зарегистрироваться может любой",
         "anybody can make an account"),
    Rule("enable_registration_without_verification", False, off, "false", ERROR,
         "зарегистрироваться может любой, без проверки",
         "anybody can make an account, without any check"),
    Rule("allow_guest_access", False, off, "false", ERROR,
         "на сервер пускают гостей без учётной записи",
         "guests without an account are let in"),
    Rule("enable_3pid_lookup", True, off, "false", WARNING,
         "людей можно искать по телефону и почте на чужих серверах",
         "people can be looked up by phone and e-mail on third servers"),
    Rule("enable_3pid_changes", True, off, "false", ERROR,
         "телефоны и почта попадут в базу Synapse",
         "phones and e-mails would be kept in Synapse's database"),
    Rule("account_threepid_delegates", None, empty, "удалите строку / remove it", ERROR,
         "любой без входа может рассылать SMS за счёт школы",
         "anybody can send text messages at the school's cost without signing in"),
    Rule("auto_join_rooms", [], empty, "[]", WARNING,
         "новые учётные записи попадают в чаты помимо списка школы",
         "new accounts get into rooms past the school's list"),
    Rule("password_config.policy.enabled", False, on, "true", WARNING,
         "можно поставить любой короткий пароль",
         "any short password is accepted"),
    Rule("password_config.policy.minimum_length", 0, at_least(8), "10", WARNING,
         "короткий пароль легко подобрать",
         "a short password is easily guessed"),
    Rule("default_room_version", "12", is_text("12"), '"12"', ERROR,
         "только в версии 12 создатель чата сохраняет власть, что бы ни делали участники",
         "only in version 12 the creator keeps its power whatever members do"),
    Rule("encryption_enabled_by_default_for_room_type", "off", lambda v: v in {"off", False},
         '"off"', WARNING,
         "на новом телефоне не будет видно прежних сообщений",
         "a new phone will not show earlier messages"),
    Rule("auto_accept_invites.enabled", False, off, "false", WARNING,
         "приглашения принимаются за человека",
         "invitations are accepted in people's place"),
    Rule("enable_authenticated_media", True, on, "true", ERROR,
         "файлы школы скачает любой, кто знает адрес; модуль так не запускается",
         "anybody with the address can download the school's files; the module refuses to start"),
    Rule("url_preview_enabled", False, off, "false", WARNING,
         "сервер сам открывает ссылки из сообщений",
         "the server opens the links that people post"),
    Rule("push.include_content", True, off, "false", ERROR,
         "текст сообщений уходит в Apple и Google вместе с уведомлениями",
         "the text of messages goes to Apple and Google with notifications"),
    Rule("email", None, empty, "удалите раздел / remove the section", WARNING,
         "Synapse сам пишет людям; почту рассылает только служба регистрации",
         "Synapse writes to people by itself; only the onboarding service sends mail"),
    Rule("app_service_config_files", [], empty, "[]", WARNING,
         "такая программа видит чаты и может действовать от чужого имени",
         "such a program sees rooms and can act in other people's names"),
    Rule("experimental_features.msc4263_limit_key_queries_to_users_who_share_rooms", False, off,
         "false", WARNING,
         "ломает шифрование с теми, кого только приглашают",
         "breaks encryption with people one is about to invite"),
)  # fmt: skip
BY_NAME = {rule.name: rule for rule in RULES}

#: Settings beyond the example that open nothing: secrets, workers, addresses, sizes of buffers.
HARMLESS = frozenset(
    """
    admin_contact background_updates bcrypt_rounds enable_local_media_storage
    form_secret form_secret_path gc_min_interval gc_thresholds
    instance_map macaroon_secret_key macaroon_secret_key_path
    media_instance_running_background_jobs media_upload_limits print_pidfile pusher_instances redis
    registration_shared_secret registration_shared_secret_path run_background_tasks_on
    serve_server_wellknown signing_key soft_file_limit start_pushers stats stream_writers
    thumbnail_sizes tls_certificate_path tls_private_key_path turn_password turn_shared_secret
    turn_shared_secret_path turn_uris turn_user_lifetime turn_username user_ips_max_age
    worker_app worker_listeners worker_log_config worker_name worker_pid_file
    worker_replication_secret worker_replication_secret_path
    """.split()  # noqa: SIM905 - a word list is easier to read than fifty quotes
)
#: Sections of free names: what is inside is not compared with the example.
FREE = frozenset(
    {
        "caches",
        "database",
        "default_power_level_content_override",
        "extra_well_known_client_content",
        "listeners",
        "matrix_rtc",
        "modules",
    }
)
