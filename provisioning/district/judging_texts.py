"""Findings about schools and the register in a secretary's words. Russian and English; pure.

`{since}` and `{agreed}` are times, filled in by `sentence`.
"""

from __future__ import annotations

from collections.abc import Callable

from provisioning.doctor_finding import Finding
from provisioning.doctor_text import Text
from provisioning.language import say
from provisioning.problem_texts import Language

SCHOOLS: dict[str, Text] = {
    "well": Text("Всё в порядке", "All is well"),
    "unreachable": Text(
        "Сервер не отвечает с {since} ({why})", "The server has not answered since {since} ({why})",
        "Позвоните в школу: включён ли сервер и есть ли интернет. Адрес сервера исправляет add-school --address",
        "Call the school: is the server on, and on the internet? add-school --address corrects its address",
    ),
    "slow": Text(
        "Сервер не успевает ответить с {since}", "The server has been too slow to answer since {since}",
        "Спросите в школе, не перегружен ли сервер или сеть",
        "Ask the school whether its server or its line is overloaded",
    ),
    "certificate": Text(
        "Сертификат сервера не годится с {since} ({why})",
        "The server's certificate has not been right since {since} ({why})",
        "Попросите школу продлить сертификат: ученики тоже не могут войти",
        "Ask the school to renew the certificate: pupils cannot sign in, either",
    ),
    "not_there": Text(
        "Сервер отвечает, но не про округ, с {since}", "The server answers, but not for the district, since {since}",
        "Проверьте в школе: модуль этой версии или новее, district и district_key как в init, nginx пропускает "
        "/_synapse/client/",
        "Check at the school: a module of this version or newer, district and district_key as init printed them, nginx "
        "passes /_synapse/client/",
    ),
    "clock": Text(
        "Часы школы и ваши расходятся больше чем на десять минут",
        "The school's clock and yours differ by more than ten minutes",
        "Включите точное время (NTP) там, где часы неверны", "Turn on network time (NTP) where the clock is wrong",
    ),
    "http": Text(
        "Сервер отвечает ошибкой {why} с {since}", "The server has answered with error {why} since {since}",
        "Попросите школу посмотреть: sferum doctor", "Ask the school to look: sferum doctor",
    ),
    "strange": Text(
        "Вместо школы отвечает что-то другое с {since} ({why})",
        "Something else answers in the school's place since {since} ({why})",
        "Позвоните в школу; если там ничего не меняли, отрежьте её: sferum district isolate",
        "Call the school; if nothing was changed there, cut it off: sferum district isolate",
    ),
    "other_key": Text(
        "Сервер подписывает не тем ключом, что в реестре ({keys}), с {since}: другие школы ему не верят",
        "The server signs with another key than the register's ({keys}) since {since}: other schools do not believe it",
        "Спросите ключ по телефону и запишите его: sferum district add-school. Если школа ключ не меняла — isolate",
        "Ask for the key by phone and write it down: sferum district add-school. If nothing was changed: isolate",
    ),
    "behind": Text(
        "Отстаёт: у неё реестр № {serial}, новых с тех пор {behind}; так с {since}",
        "Behind: it has register {serial}, {behind} came since; so since {since}",
        "Попросите школу посмотреть, доступен ли district_url: sferum doctor",
        "Ask the school to look whether it reaches district_url: sferum doctor",
    ),
    "on_its_way": Text("Пока реестр № {serial}; новый возьмёт в течение десяти минут",
                       "Register {serial} for now; takes the new one within ten minutes"),
    "ahead": Text(
        "У школы реестр № {serial} — новее подписанного здесь",
        "The school has register {serial}, newer than the last one signed here",
        "Эта папка из старой копии? Если нет, ключ округа украден: sferum district rotate-key",
        "Is this folder an old copy? If not, the district's key is stolen: sferum district rotate-key",
    ),
    "has_none": Text(
        "Реестра у школы ещё нет: с другими она не встречается", "The school has no register yet: it meets nobody",
        "Проверьте в школе district_url и district_key", "Check district_url and district_key at the school",
    ),
    "has_expired": Text(
        "Срок её реестра № {serial} прошёл: с другими она не встречается",
        "Its register {serial} has expired: it meets nobody",
        "Подпишите и опубликуйте новый; если он есть, школа не достаёт district_url",
        "Sign and publish a new one; if there is one, the school does not reach district_url",
    ),
    "not_listed": Text(
        "В её реестре № {serial} этой школы нет", "The school is not in the register it has, {serial}",
        "Подпишите и опубликуйте реестр: sferum district sign", "Sign and publish the register: sferum district sign",
    ),
    "cut_off": Text("Отрезана от остальных вами", "Cut off from the others, by you",
                    "Вернуть: sferum district isolate --off", "To let it in again: sferum district isolate --off"),
    "still_cut_off": Text(
        "Ещё отрезана: в её реестре № {serial} это так",
        "Still cut off, by the register it has, {serial}",
                          "Подпишите и опубликуйте реестр", "Sign and publish the register"),
    "refuses": Text(
        "Не верит реестру, который берёт ({why})", "Does not believe the register that it is given ({why})",
        "Проверьте опубликованный файл: sferum district verify ФАЙЛ",
        "Check the published file: sferum district verify FILE",
    ),
    "hears_nothing": Text(
        "Не слышит округа; последний верный ответ {agreed}", "Does not hear the district; last right answer {agreed}",
        "Попросите школу посмотреть, доступен ли district_url",
        "Ask the school to look whether it reaches district_url",
    ),
    "schema": Text(
        "Таблицы версии {found}, нужна {wanted}: чаты не обновляются",
        "Tables of version {found}, {wanted} is wanted: rooms are not kept up",
        "Попросите школу перезапустить Synapse и посмотреть sferum doctor",
        "Ask the school to restart Synapse and look at sferum doctor",
    ),
    "dead": Text(
        "Не удалось настроить чаты: {count}", "Rooms that could not be set up: {count}",
        "В школе: sferum org jobs --retry", "At the school: sferum org jobs --retry",
    ),
    "held": Text(
        "Изменение чатов ждёт решения администрации школы", "A change of rooms waits for the school's administration",
        "Кнопка на странице «Школа»", "There is a button on the page School",
    ),
    "late": Text(
        "Чаты отстают от списков на {minutes} мин, заданий {count}",
        "Rooms are {minutes} min behind the lists, {count} tasks",
                 "Если так и завтра — sferum doctor в школе", "If it is so tomorrow: sferum doctor at the school"),
    "rooms_wait": Text(
        "Общих комнат округа ещё нет у школы: {count}",
        "Common rooms of the district that the school does not have yet: {count}",
        "Отвечает ли школа, которая их создаёт?", "Does the school that makes them answer?",
    ),
    "older": Text("Старая версия {version}, есть {newest}", "Old version {version}, there is {newest}",
                  "Попросите школу обновиться", "Ask the school to update"),
    "clock_differs": Text("Часы расходятся с вашими на {seconds} с", "The clock differs from yours by {seconds} s",
                          "Включите в школе точное время (NTP)", "Turn on network time (NTP) at the school"),
}  # fmt: skip

REGISTER: dict[str, Text] = {
    "register_over": Text(
        "Срок реестра прошёл: школы друг друга не видят", "The register has expired: schools do not see each other",
        "sferum district sign, затем publish", "sferum district sign, then publish",
    ),
    "register_soon": Text(
        "До конца срока реестра {days} дн.; потом школы перестанут видеть друг друга",
        "The register ends in {days} days; then schools stop seeing each other",
        "sferum district sign, затем publish", "sferum district sign, then publish",
    ),
    "register_changed": Text(
        "В реестре есть неподписанные изменения", "The register has changes that are not signed",
        "sferum district sign, затем publish", "sferum district sign, then publish",
    ),
    "register_not_published": Text(
        "Подписанного реестра нет ещё ни у кого; самый новый у школ — № {serial}",
        "Nobody has the register that is signed; the newest at the schools is {serial}",
        "Опубликован ли он? sferum district publish ФАЙЛ", "Is it published? sferum district publish FILE",
    ),
}  # fmt: skip

_TEXTS = {**SCHOOLS, **REGISTER}


def sentence(finding: Finding, language: Language, moment: Callable[[int], str]) -> str:
    """What is so.

    Args:
        moment: seconds since 1970 → date and time in words.
    """
    text = _TEXTS[finding.code]
    figures = dict(finding.figures)
    for name, value in finding.figures.items():
        if name.endswith("_s") and isinstance(value, int):
            never = say(language, "не было", "never")
            figures[name.removesuffix("_s")] = moment(value) if value else never
    return say(language, text.ru, text.en).format(**figures)


def remedy(finding: Finding, language: Language) -> str:
    """What to do; "" when nothing."""
    text = _TEXTS[finding.code]
    return say(language, text.do_ru, text.do_en)
