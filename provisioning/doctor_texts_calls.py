"""What `sferum doctor` says of calls: sentences as in `doctor_texts`, which has the others. Pure."""

from __future__ import annotations

from provisioning.doctor_text import Text

CALLS: dict[str, Text] = {
    "calls_good": Text(
        "Звонки настроены верно ({s})", "Calls are set up well ({s})"
    ),
    "calls_refused": Text(
        "Сервер звонков не запустится с {s}: {line}", "The calls server will not start with {s}: {line}",
        "Исправьте названную настройку или файл; образец — media.yaml.example",
        "Correct the setting or file that is named; media.yaml.example shows how",
    ),
    "calls_server_name": Text(
        "media.yaml: server_name «{s}», а в homeserver.yaml другое",
        "media.yaml: server_name is “{s}”, homeserver.yaml has another",
        "Напишите в media.yaml то же, что в homeserver.yaml",
        "Write into media.yaml what homeserver.yaml has",
    ),
    "calls_addresses_inner": Text(
        "media.yaml, addresses: только внутренние адреса ({s}); из дома ни звука, ни картинки не будет",
        "media.yaml, addresses: inner addresses only ({s}); from home there is neither sound nor picture",
        "Добавьте внешний адрес первым; на маршрутизаторе направьте udp_port и tcp_port на эту машину",
        "Put the outer address first; let the router pass udp_port and tcp_port on to this machine",
    ),
    "calls_port_taken": Text(
        "Порт {port} ({s}) занят другой программой: сервер звонков не запустится",
        "Port {port} ({s}) is another program's: the calls server will not start",
        "Узнайте, чьей: ss -tulpn | grep {port}; остановите её или укажите другой порт в media.yaml",
        "Find out whose: ss -tulpn | grep {port}; stop it, or name another port in media.yaml",
    ),
    "calls_runs": Text("Сервер звонков отвечает ({s})", "The calls server answers ({s})"),
    "calls_silent": Text(
        "Сервер звонков не отвечает ({s})", "The calls server does not answer ({s})",
        "Запустите его (systemctl start sferum-media) и посмотрите journalctl -u sferum-media",
        "Start it (systemctl start sferum-media) and look at journalctl -u sferum-media",
    ),
    "calls_failing": Text(
        "Сервер звонков ({s}) ответил ошибкой {status}",
        "The calls server ({s}) answered with error {status}",
        "Посмотрите journalctl -u sferum-media", "Look at journalctl -u sferum-media",
    ),
    "calls_token_refused": Text(
        "Сервер звонков не признаёт ключи из {s}: он читал другой файл, или часы разошлись",
        "The calls server does not know the keys of {s}: it has read another file, or the clocks differ",
        "systemctl reload sferum-media; у всех узлов должен быть один файл; проверьте timedatectl",
        "systemctl reload sferum-media; all nodes must have one file; check timedatectl",
    ),
    "calls_shut": Text(
        "Сервер звонков ({s}) никого не впускает: ответ {status}",
        "The calls server ({s}) lets nobody in: it answers {status}",
        "503: он останавливается или звонков уже max_rooms; посмотрите journalctl -u sferum-media",
        "503: it is being stopped, or there are max_rooms calls; look at journalctl -u sferum-media",
    ),
    "calls_public_silent": Text(
        "По внешнему адресу {s} сервер звонков не отвечает",
        "The calls server does not answer at its outer address {s}",
        "Проверьте имя в DNS, сертификат и nginx (deploy/nginx/sferum.conf)",
        "Check the name in DNS, the certificate and nginx (deploy/nginx/sferum.conf)",
    ),
    "calls_public_no_socket": Text(
        "{s} отвечает, но соединение звонка не пропускает (ответ {status})",
        "{s} answers, and does not let a call's connection through (it says {status})",
        "В nginx для этого имени нужны строки Upgrade и Connection (deploy/nginx/sferum.conf)",
        "nginx needs the lines Upgrade and Connection for this name (deploy/nginx/sferum.conf)",
    ),
    "calls_clock": Text(
        "Часы сервера звонков расходятся с часами этой машины на {seconds} с: пропуска в звонок не подойдут",
        "The calls server's clock is {seconds} s from this machine's: its tokens will not do",
        "Включите синхронизацию времени: timedatectl set-ntp true",
        "Switch time synchronisation on: timedatectl set-ntp true",
    ),
    "calls_media": Text(
        "Порты звука и картинки отвечают: {s}", "Ports of sound and pictures answer: {s}"
    ),
    "calls_udp_silent": Text(
        "Порт звука и картинки не отвечает: {s}", "The port of sound and pictures does not answer: {s}",
        "Откройте его в брандмауэре (UDP) и проверьте addresses в media.yaml",
        "Open it in the firewall (UDP) and check addresses in media.yaml",
    ),
    "calls_tcp_silent": Text(
        "Запасной порт для сетей без UDP не отвечает: {s}",
        "The port for networks without UDP does not answer: {s}",
        "Откройте его в брандмауэре (TCP) или напишите tcp_port: null",
        "Open it in the firewall (TCP), or write tcp_port: null",
    ),
    "calls_address_silent": Text(
        "По этому адресу отсюда ответа нет: {s}", "From here there is no answer at this address: {s}",
        "Если это внешний адрес за маршрутизатором, проверьте звонок с мобильной сети; иначе уберите его из addresses",
        "If it is the outer address behind a router, try a call from a mobile network; else take it out of addresses",
    ),
    "calls_not_named": Text(
        "homeserver.yaml, {s}: сервер звонков не назван, программы не найдут его",
        "homeserver.yaml, {s}: the calls server is not named, clients will not find it",
        "Напишите там livekit_service_url: {wanted} и перезапустите Synapse",
        "Write livekit_service_url: {wanted} there and restart Synapse",
    ),
    "calls_well_known": Text(
        "{s} не называет сервер звонков: старые программы не найдут его",
        "{s} does not name the calls server: older clients will not find it",
        "Перезапустите Synapse; nginx должен передавать ему /.well-known/matrix/client",
        "Restart Synapse; nginx must pass /.well-known/matrix/client on to it",
    ),
    "calls_no_transports": Text(
        "Synapse не говорит программам, где сервер звонков ({s})",
        "Synapse does not tell clients where the calls server is ({s})",
        "В homeserver.yaml: experimental_features, msc4143_enabled: true; перезапустите Synapse",
        "In homeserver.yaml: experimental_features, msc4143_enabled: true; restart Synapse",
    ),
    "calls_rights": Text(
        "Сервер звонков узнаёт права людей у модуля", "The calls server learns people's rights from the module"
    ),
    "calls_service_token": Text(
        "media.yaml, {s}: модуль не принимает этот ключ, в звонок никто не войдёт",
        "media.yaml, {s}: the module does not take this token, nobody gets into a call",
        "Скопируйте файл, который назван в service_token_path; перезапуск не нужен",
        "Copy the file that service_token_path names; no restart is needed",
    ),
    "calls_no_rights": Text(
        "Synapse ({s}) не ответил серверу звонков (ответ {status}): в звонок никто не войдёт",
        "Synapse ({s}) did not answer the calls server (it says {status}): nobody gets into a call",
        "Проверьте homeserver_url в media.yaml и что Synapse работает с модулем",
        "Check homeserver_url in media.yaml, and that Synapse runs with the module",
    ),
    "calls_redis": Text(
        "Redis узлов звонков не отвечает ({why})", "The Redis of the calls' nodes does not answer ({why})",
        "Звонки идут, но узлы находят друг друга не сразу; проверьте {s} в media.yaml и сам Redis",
        "Calls go on, but nodes find each other slowly; check {s} in media.yaml, and Redis itself",
    ),
    "calls_relay_good": Text("Ретранслятор {s} работает", "The relay {s} works"),
    "calls_relay": Text(
        "Ретранслятор {s} не работает ({why}): из строгих сетей звонков не будет",
        "The relay {s} does not work ({why}): no calls from strict networks",
        "refused: secret_file и static-auth-secret должны совпадать; иначе systemctl status coturn, порт, сертификат",
        "refused: secret_file and static-auth-secret must be the same; else systemctl status coturn, port, certificate",
    ),
    "calls_no_page": Text(
        "media.yaml, {s}: страницы звонка нет, войти можно только из программы",
        "media.yaml, {s}: there is no call page, people need a client",
        "scripts/install-clients /opt/sferum/var/npm, затем укажите папку",
        "scripts/install-clients /opt/sferum/var/npm, then name the folder",
    ),
    "calls_old_page": Text(
        "Страница звонка не той версии: {s}, нужна {wanted}",
        "The call page is of another version: {s}, {wanted} is wanted",
        "scripts/install-clients /opt/sferum/var/npm, затем укажите новую папку в media.yaml",
        "scripts/install-clients /opt/sferum/var/npm, then name the new folder in media.yaml",
    ),
    "broadcasts_off": Text(
        "media.yaml, {s}: трансляций нет",
        "media.yaml, {s}: there are no broadcasts",
        "scripts/install-clients /opt/sferum/var/npm, затем раздел broadcasts, как в media.yaml.example",
        "scripts/install-clients /opt/sferum/var/npm, then the section broadcasts as in media.yaml.example",
    ),
    "broadcasts_disk": Text(
        "На диске для записей ({s}) свободно {free} ГБ, нужно {least}",
        "The disk of recordings ({s}) has {free} GB free, {least} are needed",
        "Освободите место или уменьшите broadcasts.recording_days в media.yaml; час 720p — около 1 ГБ",
        "Make room, or lower broadcasts.recording_days in media.yaml; an hour of 720p is about 1 GB",
    ),
    "calls_few_files": Text(
        "Серверу звонков можно открыть только {files} файлов, нужно {least}",
        "The calls server may open {files} files only, {least} are needed",
        "В службе systemd: {s}=65536 (deploy/systemd/sferum-media.service)",
        "In the systemd unit: {s}=65536 (deploy/systemd/sferum-media.service)",
    ),
    "calls_small_buffer": Text(
        "Буфер UDP этой машины {bytes} байт: при нагрузке пропадают звук и картинка",
        "This machine's UDP buffer has {bytes} bytes: under load sound and pictures get lost",
        "В /etc/sysctl.d/90-sferum.conf: {s} = 4000000 и net.core.wmem_max = 4000000, затем sysctl --system",
        "In /etc/sysctl.d/90-sferum.conf: {s} = 4000000 and net.core.wmem_max = 4000000, then sysctl --system",
    ),
}  # fmt: skip
