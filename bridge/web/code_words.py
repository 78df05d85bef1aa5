"""What a page says when a code is not sent, or is not right. Every refusal has a sentence that says what to do."""

from __future__ import annotations

from bridge.answers import CodeRefusal, Wrong
from bridge.contact import ContactRefusal
from bridge.limits import Limit, Refused
from bridge.verification import ResendRefusal
from bridge.web.i18n import N_
from bridge.web.visit import Visit

CONTACT = {
    ContactRefusal.NOT_A_PHONE: N_("Это не похоже на номер телефона. Пример: 8 916 123-45-67."),
    ContactRefusal.NOT_AN_EMAIL: N_("Это не похоже на адрес почты. Пример: anna@example.ru."),
    ContactRefusal.REGION: N_("На номера этой страны коды не отправляются. Нужен российский мобильный номер."),
    ContactRefusal.NOT_MOBILE: N_("На городской номер код не придёт. Укажите мобильный."),
}  # fmt: skip
CODE = {
    CodeRefusal.UNKNOWN: N_("Этот код запрошен в другом браузере или слишком давно. Запросите новый."),
    CodeRefusal.MALFORMED: N_("Код — это шесть цифр. Проверьте и введите ещё раз."),
    CodeRefusal.EXPIRED: N_("Код верный, но устарел. Запросите новый."),
    CodeRefusal.SPENT: N_("Попытки кончились. Запросите новый код."),
    CodeRefusal.PASSED: N_("Этот код уже введён. Если нужно, запросите новый."),
}  # fmt: skip
RESEND = {
    ResendRefusal.TOO_EARLY: N_("Новый код можно запросить чуть позже. Старый ещё действует."),
    ResendRefusal.NO_MORE: N_("Больше кодов подряд не отправляем. Проверьте номер и начните заново."),
    ResendRefusal.SPENT: N_("Попытки кончились. Начните заново."),
    ResendRefusal.PASSED: N_("Код уже введён."),
}  # fmt: skip
LIMITS = {
    Limit.NUMBER_HOUR: N_("На этот номер уже отправлено несколько кодов."),
    Limit.NUMBER_DAY: N_("На этот номер сегодня отправлено слишком много кодов."),
    Limit.ADDRESS: N_("Из вашей сети запрошено много кодов."),
    Limit.SESSION: N_("Из этого браузера запрошено много кодов."),
    Limit.INVITE: N_("По этой ссылке запрошено много кодов."),
    Limit.BUDGET: N_("Школа отправила сегодня слишком много кодов."),
    Limit.PREFIX_SPIKE: N_("Отправка кодов ненадолго остановлена."),
    Limit.RATIO: N_("Отправка кодов ненадолго остановлена."),
}  # fmt: skip


def code_words(visit: Visit, refusal: object) -> str:
    """One sentence for whatever `request_…`, `resend_code` or `verify_code` has answered instead of a yes."""
    if isinstance(refusal, Wrong):
        return visit.ngettext(
            "Код не подошёл. Осталась %(num)d попытка.",
            "Код не подошёл. Осталось попыток: %(num)d.",
            refusal.tries_left,
        )
    if isinstance(refusal, Refused):
        return f"{visit.gettext(LIMITS[refusal.limit])} {_wait_words(visit, refusal.retry_after_s)}"
    for table in (CONTACT, CODE, RESEND):
        if refusal in table:
            return visit.gettext(table[refusal])  # type: ignore[index] # the enum of this table
    raise TypeError(type(refusal).__name__)


def _wait_words(visit: Visit, seconds: int) -> str:
    minutes = -(-seconds // 60)
    if minutes <= 90:
        return visit.ngettext(
            "Попробуйте через %(num)d минуту.", "Попробуйте через %(num)d минут.", minutes
        )
    return visit.ngettext(
        "Попробуйте через %(num)d час.", "Попробуйте через %(num)d часов.", -(-minutes // 60)
    )
