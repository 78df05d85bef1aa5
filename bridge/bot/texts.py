"""What the bot says, in Russian and English. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from babel.dates import format_datetime

LANGUAGES = ("ru", "en")

#: name → Russian, English. Placeholders are the same in both (tests/bridge/bot/test_texts.py).
TEXTS: dict[str, tuple[str, str]] = {
    # cards
    "card_new": (
        "№{number} · Новая заявка: {who}\n{initials} · подана {at}",
        "№{number} · New application: {who}\n{initials} · sent {at}",
    ),
    "match_one": (
        "Такая запись есть в списке школы: после ✅ человек получит её.",
        "There is such a record on the school's list: ✅ gives it to this person.",
    ),
    "match_none": (
        "Такой записи в списке школы нет: после ✅ появится новая.",
        "There is no such record on the school's list: ✅ makes a new one.",
    ),
    "match_many": (
        "В списке школы несколько похожих записей. Выберите нужную на странице.",
        "There are several such records on the school's list. Choose the right one on the page.",
    ),
    "child_first": (
        "Родителю нужно выбрать ребёнка. Это делается на странице.",
        "A parent needs a child chosen. That is done on the page.",
    ),
    "how_to_decide": (
        "✅ — принять, ❌ — отклонить. Подробности: {link}",
        "✅ accepts, ❌ rejects. Details: {link}",
    ),
    "how_to_reject": (
        "Решить на странице: {link}\n❌ — отклонить",
        "Decide on the page: {link}\n❌ rejects",
    ),
    "card_approved": (
        "№{number} · Заявка: {who} — принята, доступ открывается.\n{decided}",
        "№{number} · Application: {who} — accepted, access is being opened.\n{decided}",
    ),
    "card_finished": (
        "№{number} · Заявка: {who} — принята.\n{decided}",
        "№{number} · Application: {who} — accepted.\n{decided}",
    ),
    "card_rejected": (
        "№{number} · Заявка отклонена.\n{decided}",
        "№{number} · Application rejected.\n{decided}",
    ),
    "card_withdrawn": (
        "№{number} · Заявка отозвана: человек передумал.",
        "№{number} · Application withdrawn by the applicant.",
    ),
    "card_expired": (
        "№{number} · Заявка закрыта: месяц никто не принимал решения.",
        "№{number} · Application closed: nobody decided for a month.",
    ),
    "decided": ("Решение: {by}, {at}", "Decided by {by}, {at}"),
    "card_dispute": (
        "№{number} · Чей номер? Новый человек подтвердил телефон или почту, которые записаны за другим: {whose}.\n"
        "Спросите владельца. ✅ — номер уже не его, освободить. ❌ — номер его, оставить.",
        "№{number} · Whose number? Somebody new has proved a phone or e-mail that belongs to another person: {whose}.\n"
        "Ask the owner. ✅ no longer theirs, release it. ❌ theirs, keep it.",
    ),
    "release_by_time": (
        "Если до {at} никто не ответит, номер освободится сам.",
        "If nobody answers before {at}, the number is released by itself.",
    ),
    "card_dispute_kept": (
        "№{number} · Чей номер? Остаётся за владельцем.\n{decided}",
        "№{number} · Whose number? The owner keeps it.\n{decided}",
    ),
    "card_dispute_released": (
        "№{number} · Чей номер? Освобождён: его может занять новый человек.\n{decided}",
        "№{number} · Whose number? Released: the new person can take it.\n{decided}",
    ),
    "alarm": (
        "Отправка кодов остановлена: {why}. Новые люди сейчас не могут получить код. Подробности: {link}",
        "Sending of codes has stopped: {why}. Nobody new can get a code now. Details: {link}",
    ),
    "why_budget": ("исчерпан дневной лимит сообщений", "the day's budget of messages is used up"),
    "why_prefix_spike": (
        "слишком много запросов на похожие номера",
        "too many requests for similar numbers",
    ),
    "why_ratio": (
        "почти никто не вводит отправленные коды",
        "almost nobody types the codes that were sent",
    ),
    "why_other": ("сработала защита", "a safeguard has tripped"),
    "steps": (
        "Для одного из людей не удалось завершить изменения. Само это не исправится — посмотрите, что делать: {link}",
        "Changes for one person could not be completed. This will not mend itself; see what to do: {link}",
    ),
    "digest": (
        "Больше суток ждут решения: {count}. Посмотреть и решить: {link}",
        "Waiting for a decision for over a day: {count}. See and decide: {link}",
    ),
    "digest_mail_subject": ("Заявки ждут решения", "Applications are waiting"),
    # lists
    "line": ("№{number} · {who} · {age}", "№{number} · {who} · {age}"),
    "more": ("…и ещё {count}", "…and {count} more"),
    "queue": ("Ждут решения:", "Waiting for a decision:"),
    "queue_empty": ("Решать нечего: заявок нет.", "Nothing to decide: no applications."),
    "see": ("Подробности: {link}", "Details: {link}"),
    # answers
    "help": (
        "Что я умею:\n"
        "✅ или ❌ на карточке — принять или отклонить заявку\n"
        "!очередь — что ждёт решения\n"
        "!принять 7 — принять заявку №7\n"
        "!отклонить 7 причина — отклонить её\n"
        "!приглашение 5А — ссылка для учеников класса (для родителей: !приглашение 5А родители)\n"
        "!карточки 5А — где напечатать карточки для учеников\n"
        "Остальное на страницах школы: {link}",
        "What I can do:\n"
        "✅ or ❌ on a card: accept or reject an application\n"
        "!queue: what waits for a decision\n"
        "!approve 7: accept application №7\n"
        "!reject 7 reason: reject it\n"
        "!invite 5A: a link for the pupils of a class (for parents: !invite 5A parents)\n"
        "!sheet 5A: where cards for pupils are printed\n"
        "Everything else is on the school's pages: {link}",
    ),
    "misread_unknown": (
        "Не знаю такой команды. Список: !помощь",
        "I do not know this command. The list: !help",
    ),
    "misread_number": (
        "Какая заявка? Напишите её номер, например: !принять 7",
        "Which application? Add its number, for example: !approve 7",
    ),
    "misread_class": (
        "Какой класс? Например: !приглашение 5А",
        "Which class? For example: !invite 5A",
    ),
    "misread_too_long": (
        "Слишком длинная команда. Список: !помощь",
        "The command is too long. The list: !help",
    ),
    "too_often": (
        "Слишком много команд подряд. Подождите минуту.",
        "Too many commands in a row. Wait a minute.",
    ),
    "no_class": ("Класса {name} в этом году нет.", "There is no class {name} this year."),
    "no_card": ("Заявки с таким номером нет.", "There is no application with this number."),
    "approved": ("№{number}: принято, доступ открывается.", "№{number}: accepted, access is being opened."),
    "finished": ("№{number}: принято.", "№{number}: accepted."),
    "kept": ("№{number}: номер остаётся за владельцем.", "№{number}: the owner keeps the number."),
    "released": ("№{number}: номер освобождён.", "№{number}: the number is released."),
    "rejected": ("№{number}: отклонено.", "№{number}: rejected."),
    "rejected_because": ("№{number}: отклонено. Причина: {reason}", "№{number}: rejected. Reason: {reason}"),
    "already": ("По №{number} решение уже принято.", "№{number} is decided already."),
    "own": (
        "Свою заявку решает кто-то другой.",
        "Somebody else has to decide on your own application.",
    ),
    "child_needed": (
        "№{number}: выберите, чей это родитель: {link}",
        "№{number}: choose whose parent this is: {link}",
    ),
    "choose": (
        "№{number}: в списке школы есть похожие записи. Выберите нужную: {link}",
        "№{number}: there are similar records on the school's list. Choose the right one: {link}",
    ),
    "on_page": ("№{number}: решите на странице: {link}", "№{number}: decide on the page: {link}"),
    "heads_only": (
        "№{number}: решает директор или заместитель.",
        "№{number} is for the director or a deputy to decide.",
    ),
    "unreadable": (
        "№{number}: анкету не удаётся прочитать. Попросите человека подать заявку ещё раз.",
        "№{number}: the form cannot be read. Ask the person to apply again.",
    ),
    "later": (
        "Сервер школы занят, ничего не сделано. Повторите через минуту.",
        "The school's server is busy, nothing was done. Try again in a minute.",
    ),
    "invite": (
        "{class_name}, {whom}. Ссылка на {uses} чел., действует до {until}:\n{link}\nКод для ввода: {code}",
        "{class_name}, {whom}. A link for {uses} people, valid until {until}:\n{link}\nCode to type: {code}",
    ),
    "whom_pupils": ("для учеников", "for pupils"),
    "whom_parents": ("для родителей", "for parents"),
    "no_invite": ("Такую ссылку создать нельзя.", "Such a link cannot be made."),
    "cards": ("Карточки {class_name}: {link}", "Cards of {class_name}: {link}"),
    # words
    "role_director": ("директор", "director"),
    "role_deputy": ("заместитель директора", "deputy director"),
    "role_administrator": ("администратор", "administrator"),
    "role_teacher": ("учитель", "teacher"),
    "role_student": ("ученик", "pupil"),
    "role_guardian": ("родитель", "parent"),
    "somebody": ("школа", "the school"),
    "minutes": ("{count} мин", "{count} min"),
    "hours": ("{count} ч", "{count} h"),
    "days": ("{count} дн", "{count} d"),
}  # fmt: skip


def text(language: str, name: str, /, **values: object) -> str:
    """The text with its values; of an unknown language the Russian one."""
    column = LANGUAGES.index(language) if language in LANGUAGES else 0
    return TEXTS[name][column].format(**values)


def age(language: str, waited: timedelta) -> str:
    """«40 мин», «5 ч», «3 дн»."""
    minutes = max(0, int(waited.total_seconds() // 60))
    if minutes < 60:
        return text(language, "minutes", count=minutes)
    if minutes < 48 * 60:
        return text(language, "hours", count=minutes // 60)
    return text(language, "days", count=minutes // (24 * 60))


def moment(language: str, at: datetime, zone: tzinfo) -> str:
    """«1 сентября, 12:30», by the school's clock."""
    known = language if language in LANGUAGES else LANGUAGES[0]
    return format_datetime(at, "d MMMM, HH:mm", tzinfo=zone, locale=known)


def day(language: str, at: datetime, zone: tzinfo) -> str:
    """«1 сентября»."""
    known = language if language in LANGUAGES else LANGUAGES[0]
    return format_datetime(at, "d MMMM", tzinfo=zone, locale=known)


def initials(*names: str) -> str:
    """«И. А.»: recognised by whoever knows, and nobody else. Letters only, whatever was typed."""
    letters = [next((char for char in name if char.isalpha()), "") for name in names]
    return " ".join(f"{letter.upper()}." for letter in letters if letter)
