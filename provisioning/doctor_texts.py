"""Findings in people's words: what is so, and what to do. Russian and English; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provisioning.doctor_finding import Finding, Level
from provisioning.doctor_rules import BY_NAME
from provisioning.doctor_text import Text
from provisioning.doctor_texts_calls import CALLS
from provisioning.doctor_texts_district import DISTRICT
from provisioning.language import say
from provisioning.problem_texts import Language

MARKS = {Level.OK: "✔", Level.WARNING: "!", Level.ERROR: "✘"}


TEXTS: dict[str, Text] = {
    "settings_good": Text(
        "Настройки: {count} опасных мест проверено, все закрыты",
        "Settings: {count} dangerous places looked at, all closed",
    ),
    "setting_dangerous": Text(
        "{s}: {why}", "{s}: {why}",
        "В homeserver.yaml напишите {s}: {wanted}", "In homeserver.yaml write {s}: {wanted}",
    ),
    "setting_missing": Text(
        "{s} не указано: {why}", "{s} is missing: {why}",
        "В homeserver.yaml добавьте {s}: {wanted}", "In homeserver.yaml add {s}: {wanted}",
    ),
    "setting_unknown": Text(
        "{s}: такой настройки нет в homeserver.yaml.example, её действие никто не проверял",
        "{s}: not in homeserver.yaml.example, nobody has checked what it opens",
        "Если она не нужна, удалите строку", "Remove the line if you do not need it",
    ),
    "federation_listener": Text(
        "Порт {s} отвечает другим серверам, хотя список школ пуст",
        "Port {s} answers other servers although the list of schools is empty",
        "Уберите federation из resources или заполните federation_domain_whitelist",
        "Take federation out of resources, or fill in federation_domain_whitelist",
    ),
    "internal_listener": Text(
        "Порт {s} ({names}) открыт не только для этой машины",
        "Port {s} ({names}) is open to other machines",
        "Напишите bind_addresses: [127.0.0.1] или адрес внутренней сети и закройте порт снаружи",
        "Write bind_addresses: [127.0.0.1], or an inner address, and close the port to the outside",
    ),
    "open_listener": Text(
        "Порт {s} отвечает без шифрования не только этой машине",
        "Port {s} answers other machines without encryption",
        "Напишите bind_addresses: [127.0.0.1]; снаружи отвечает обратный прокси (nginx)",
        "Write bind_addresses: [127.0.0.1]; a reverse proxy (nginx) answers the outside",
    ),
    "sends_to_nobody": Text(
        "Школы округа перечислены, но {s}: [] не даёт ничего им отправить",
        "The district's schools are listed, but {s}: [] lets nothing be sent to them",
        "Удалите строку {s}", "Remove the line {s}",
    ),
    "no_client_listener": Text(
        "Ни один порт не отвечает клиентам", "No port answers clients",
        "Добавьте listener с names: [client, openid], как в homeserver.yaml.example",
        "Add a listener with names: [client, openid], as in homeserver.yaml.example",
    ),
    "module_missing": Text(
        "Модуль Sferum не подключён: школы друг от друга не отделены",
        "The Sferum module is not loaded: schools are not kept apart",
        "Скопируйте раздел modules из homeserver.yaml.example",
        "Copy the section modules from homeserver.yaml.example",
    ),
    "module_option_unknown": Text(
        "У модуля нет настройки {s}: Synapse не запустится",
        "The module has no option {s}: Synapse will not start",
        "Исправьте имя по homeserver.yaml.example", "Correct the name, see homeserver.yaml.example",
    ),
    "other_module": Text(
        "Подключён ещё один модуль, {s}: он может разрешить запрещённое",
        "Another module is loaded, {s}: it may allow what ours refuses",
        "Оставьте, только если уверены в нём", "Keep it only if you are sure of it",
    ),
    "no_public_baseurl": Text(
        "Не указан адрес для телефонов и браузеров", "The address for phones and browsers is missing",
        "Укажите public_baseurl: https://…/", "Set public_baseurl: https://…/",
    ),
    "plain_http": Text(
        "{s}: пароли пойдут по сети без шифрования", "{s}: passwords travel unencrypted",
        "Настройте сертификат на прокси и укажите https://",
        "Set up a certificate on the proxy and write https://",
    ),
    "placeholder": Text(
        "{s}: остался адрес из примера (school.example)",
        "{s}: still has the example's address (school.example)",
        "Замените на адрес школы; такие строки отмечены словом CHANGE",
        "Put in the school's address; such lines are marked CHANGE",
    ),
    "shared_secret": Text(
        "{s}: с этим секретом создают любые учётные записи, даже администратора сервера",
        "{s}: whoever has this secret makes any account, even an administrator of the server",
        "Удалите строку: он нужен только для пробного запуска",
        "Remove the line: only a trial run needs it",
    ),
    "sqlite": Text(
        "База SQLite: для школы медленна и не допускает нескольких процессов",
        "SQLite: too slow for a school, and only one process can use it",
        "Перейдите на PostgreSQL (docs/operations.md)", "Move to PostgreSQL (docs/operations.md)",
    ),
    "server_silent": Text(
        "Сервер не отвечает по адресу {s}", "The server does not answer at {s}",
        "Запустите его (systemctl start matrix-synapse или sferum run) и посмотрите журнал",
        "Start it (systemctl start matrix-synapse, or sferum run) and look at its log",
    ),
    "server_failing": Text(
        "Сервер ответил ошибкой {status}", "The server answered with error {status}",
        "Посмотрите журнал Synapse", "Look at Synapse's log",
    ),
    "token_refused": Text(
        "Сервер не принял ключ доступа", "The server did not accept the access token",
        "Укажите файл этого сервера: --token-file; после замены ключа перезапустите Synapse",
        "Name this server's file with --token-file; restart Synapse after changing the token",
    ),
    "module_absent": Text(
        "Сервер работает без модуля Sferum: школы друг от друга не отделены",
        "The server runs without the Sferum module: schools are not kept apart",
        "Добавьте раздел modules и перезапустите Synapse",
        "Add the section modules and restart Synapse",
    ),
    "schema_behind": Text(
        "Таблицы модуля версии {found}, нужна {wanted}",
        "The module's tables are of version {found}, {wanted} is needed",
        "Перезапустите фоновый процесс Synapse и посмотрите его журнал",
        "Restart Synapse's background process and look at its log",
    ),
    "module_not_restarted": Text(
        "Работает модуль {running}, установлен {installed}",
        "Module {running} is running, {installed} is installed",
        "Перезапустите Synapse", "Restart Synapse",
    ),
    "module_runs": Text(
        "Модуль {version} работает, таблицы версии {schema}",
        "Module {version} is running, tables of version {schema}",
    ),
    "guard_on": Text("Защита включена: клиенты и другие серверы", "Guard on: clients and servers"),
    "guard_off": Text(
        "Защита не включена: {s}", "The guard is off: {s}",
        "Не пускайте людей; посмотрите журнал Synapse по слову guard",
        "Keep people out; search Synapse's log for the word guard",
    ),
    "rooms_in_time": Text(
        "Чаты соответствуют спискам, школ: {schools}", "Rooms match the lists; schools: {schools}"
    ),
    "rooms_late": Text(
        "Школа {s}: изменения ждут {minutes} мин", "School {s}: changes wait for {minutes} min",
        "Проверьте, что фоновый процесс Synapse запущен; посмотрите журнал по слову turn",
        "Check that Synapse's background process runs; search the log for the word turn",
    ),
    "held": Text(
        "Школа {s}: изменение чатов слишком велико и ждёт решения",
        "School {s}: the change to the rooms is too large and waits for a decision",
        "Проверьте списки; если всё верно, повторите sferum roster apply … --force",
        "Check the lists; if they are right, repeat sferum roster apply … --force",
    ),
    "dead_jobs": Text(
        "Школа {s}: не удалось заданий: {count}", "School {s}: tasks that failed: {count}",
        "Посмотрите причину и повторите: sferum org jobs --org {s}",
        "See why and try again: sferum org jobs --org {s}",
    ),
    "no_school": Text(
        "На сервере ещё нет школы", "There is no school on the server yet",
        "Создайте: sferum org create КОД НАЗВАНИЕ", "Make one: sferum org create ID NAME",
    ),
    "clock_good": Text("Часы верны", "The clocks agree"),
    "clock_off": Text(
        "Часы сервера расходятся с этой машиной на {seconds} с",
        "The server's clock differs from this machine's by {seconds} s",
        "Включите синхронизацию времени: timedatectl set-ntp true",
        "Switch on time synchronisation: timedatectl set-ntp true",
    ),
    "clock_unknown": Text(
        "Сервер не сообщил время", "The server did not say its time",
        "Обновите модуль", "Update the module",
    ),
    "public_good": Text(
        "Снаружи ({s}) доступно только нужное", "From outside ({s}) only what is needed is reachable"
    ),
    "public_silent": Text(
        "Сервер не отвечает по адресу {s}", "The server does not answer at {s}",
        "Проверьте прокси, сертификат и DNS", "Check the proxy, the certificate and DNS",
    ),
    "admin_reachable": Text(
        "{s}_synapse/admin открыт снаружи", "{s}_synapse/admin is open to the outside",
        "Закройте на прокси: location /_synapse/admin {{ return 404; }}",
        "Close it on the proxy: location /_synapse/admin {{ return 404; }}",
    ),
    "federation_reachable": Text(
        "По адресу {s} отвечают другим серверам, хотя список школ пуст",
        "{s} answers other servers although the list of schools is empty",
        "Уберите federation из resources и закройте /_matrix/federation на прокси",
        "Take federation out of resources and close /_matrix/federation on the proxy",
    ),
    "python_old": Text(
        "Python {s} слишком стар", "Python {s} is too old",
        "Нужен Python 3.11 или новее", "Python 3.11 or newer is needed",
    ),
    "synapse_version": Text(
        "Synapse {s}: модуль проверен только с {wanted}",
        "Synapse {s}: the module was made for {wanted} only",
        "Установите Synapse {wanted}", "Install Synapse {wanted}",
    ),
    "versions_good": Text("Python {python}, Synapse {synapse}", "Python {python}, Synapse {synapse}"),
    "file_missing": Text(
        "Нет файла {s} (настройка {by})", "There is no {s} (setting {by})",
        "Создайте его или исправьте путь", "Make it, or correct the path",
    ),
    "file_readable": Text(
        "{s} доступен всем на этой машине (права {mode})",
        "{s} is open to everybody on this machine (mode {mode})",
        "chmod o-rwx {s}", "chmod o-rwx {s}",
    ),
    "file_group_writable": Text(
        "{s} может изменить вся группа (права {mode})",
        "{s} can be changed by the whole group (mode {mode})",
        "chmod g-w {s}", "chmod g-w {s}",
    ),
    "token_short": Text(
        "{s}: ключ из {length} знаков, нужно не меньше {least}",
        "{s}: a token of {length} characters, at least {least} are needed",
        "openssl rand -hex 32 > {s} и перезапустите Synapse",
        "openssl rand -hex 32 > {s} and restart Synapse",
    ),
    "files_good": Text("Секреты закрыты, файлов: {count}", "Secrets are closed; files: {count}"),
    "disk_good": Text(
        "Место для файлов: свободно {free_gb} ГБ из {total_gb}",
        "Room for files: {free_gb} GB of {total_gb} free",
    ),
    "disk_filling": Text(
        "{s}: свободно {free_gb} ГБ из {total_gb}", "{s}: {free_gb} GB of {total_gb} free",
        "Добавьте место в ближайшие недели", "Add space within weeks",
    ),
    "disk_full": Text(
        "{s}: свободно только {free_gb} ГБ", "{s}: only {free_gb} GB free",
        "Добавьте место сейчас: при полном диске сервер останавливается",
        "Add space now: the server stops when the disk is full",
    ),
    "database_good": Text("База данных отвечает ({s})", "The database answers ({s})"),
    "database_not_tried": Text(
        "База {s} не проверена: здесь нет её драйвера",
        "Database {s} was not tried: its driver is not installed here",
        "Запустите doctor из окружения Synapse", "Run doctor from Synapse's environment",
    ),
    "database_silent": Text(
        "База данных {s} не отвечает: {why}", "The database {s} does not answer: {why}",
        "Проверьте, что она запущена, и раздел database",
        "Check that it runs, and the section database",
    ),
    "bridge_good": Text(
        "Служба регистрации настроена верно ({s})", "The onboarding service is set up well ({s})"
    ),
    "bridge_runs": Text(
        "Служба регистрации отвечает ({s})", "The onboarding service answers ({s})"
    ),
    "bridge_silent": Text(
        "Служба регистрации не отвечает ({s})", "The onboarding service does not answer ({s})",
        "Запустите её (systemctl start sferum-bridge) и посмотрите journalctl -u sferum-bridge",
        "Start it (systemctl start sferum-bridge) and look at journalctl -u sferum-bridge",
    ),
    "bridge_failing": Text(
        "Служба регистрации ({s}) ответила ошибкой {status}",
        "The onboarding service ({s}) answered with error {status}",
        "Проверьте её базу данных; посмотрите journalctl -u sferum-bridge",
        "Check its database; look at journalctl -u sferum-bridge",
    ),
    "bridge_server_name": Text(
        "bridge.yaml: server_name «{s}», а в homeserver.yaml другое",
        "bridge.yaml: server_name is “{s}”, homeserver.yaml has another",
        "Напишите в bridge.yaml то же, что в homeserver.yaml",
        "Write into bridge.yaml what homeserver.yaml has",
    ),
    "bridge_open": Text(
        "Служба регистрации отвечает без шифрования не только этой машине ({s})",
        "The onboarding service answers other machines without encryption ({s})",
        "В bridge.yaml напишите listen_host: 127.0.0.1; снаружи отвечает nginx",
        "In bridge.yaml write listen_host: 127.0.0.1; nginx answers the outside",
    ),
    "bridge_console": Text(
        "bridge.yaml, {s}: коды пишутся на экран, до людей они не дойдут",
        "bridge.yaml, {s}: codes are written to the screen and reach nobody",
        "Укажите шлюз SMS или почтовый сервер (docs/operations.md)",
        "Name an SMS gateway or a mail server (docs/operations.md)",
    ),
    "bridge_sqlite": Text(
        "База службы регистрации SQLite: для школы больше {most} человек медленна",
        "The onboarding service uses SQLite: too slow for a school of more than {most} people",
        "Создайте базу PostgreSQL до первого человека (docs/operations.md)",
        "Make a PostgreSQL database before the first person comes (docs/operations.md)",
    ),
    "bridge_file_open": Text(
        "{s} может прочитать не только служба регистрации (права {mode}): она так не запустится",
        "{s} can be read by others than the onboarding service (mode {mode}): it will not start",
        "chmod 600 {s}", "chmod 600 {s}",
    ),
    "bridge_keys_to_come": Text(
        "{s} ещё нет: служба регистрации создаст ключи при первом запуске",
        "{s} is not there yet: the onboarding service makes its keys at the first start",
        "После запуска сохраните копию отдельно от базы данных",
        "After the start keep a copy, apart from the database",
    ),
    "bridge_token_differs": Text(
        "{s}: не тот ключ, что у Synapse (service_token_path)",
        "{s}: not the token that Synapse has (service_token_path)",
        "Скопируйте файл Synapse и перезапустите службу регистрации",
        "Copy Synapse's file and restart the onboarding service",
    ),
    "bridge_unregistered": Text(
        "{s}: такой регистрации в app_service_config_files у Synapse нет",
        "{s}: Synapse has no such registration in app_service_config_files",
        "Скопируйте файл, который назван в homeserver.yaml, и перезапустите обе программы",
        "Copy the file that homeserver.yaml names and restart both programs",
    ),
    "bridge_user_differs": Text(
        "Регистрация говорит от имени {s}, а у модуля другой bridge_user",
        "The registration speaks for {s}, the module's bridge_user is another",
        "Напишите одно имя в sender_localpart и bridge_user, перезапустите Synapse",
        "Write one name into sender_localpart and bridge_user, restart Synapse",
    ),
    "bridge_registration_url": Text(
        "Регистрация просит Synapse посылать события по адресу {s}",
        "The registration asks Synapse to send events to {s}",
        "Напишите url: null", "Write url: null",
    ),
    "bridge_bot_differs": Text(
        "bridge.yaml: bot {s}, а у модуля другой staff_bot",
        "bridge.yaml: bot is {s}, the module's staff_bot is another",
        "Напишите одно имя, перезапустите Synapse", "Write one name, restart Synapse",
    ),
    "server_not_asked": Text(
        "Сервер не спрошен: нет ключа доступа", "The server was not asked: there is no token",
        "Укажите --token-file", "Give --token-file",
    ),
    **CALLS,
    **DISTRICT,
}  # fmt: skip


def sentence(finding: Finding, language: Language) -> str:
    """What is so."""
    text = TEXTS[finding.code]
    return _filled(say(language, text.ru, text.en), finding, language)


def remedy(finding: Finding, language: Language) -> str:
    """What to do; "" when nothing."""
    text = TEXTS[finding.code]
    return _filled(say(language, text.do_ru, text.do_en), finding, language)


def _filled(template: str, finding: Finding, language: Language) -> str:
    rule = BY_NAME.get(finding.subject)
    why = say(language, rule.ru, rule.en) if rule else ""
    return template.format(**{"s": finding.subject, "why": why, **finding.figures})


def report(findings: Iterable[Finding], language: Language) -> Iterator[str]:
    """Lines for a person, the worst last, where the eye is."""
    for finding in sorted(findings, key=lambda found: found.level):
        yield f"{MARKS[finding.level]} {sentence(finding, language)}"
        if todo := remedy(finding, language):
            yield f"    → {todo}"
