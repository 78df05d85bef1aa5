"""What the server may answer instead of yes, as named exceptions with a sentence for a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from provisioning.problem_texts import Language


class Refusal(Exception):
    """The server did not do what was asked. Subclasses say why.

    Attributes:
        errcode: Matrix error code, or "" when there was no Matrix answer.
        message: the server's own words, for the developer; may be "".
        field, limit: which field, which bound, when the server says so.
    """

    ru: ClassVar[str] = "сервер отказал"
    en: ClassVar[str] = "the server refused"

    def __init__(
        self, errcode: str = "", message: str = "", field: str = "", limit: str = ""
    ) -> None:
        super().__init__(f"{errcode} {field}".strip() or type(self).__name__)
        self.errcode, self.message, self.field, self.limit = errcode, message, field, limit

    def sentence(self, language: Language) -> str:
        """What happened and what to do, for a school secretary."""
        return self.ru if language == "ru" else self.en


class Unreachable(Refusal):
    ru = "сервер не отвечает; проверьте, что он запущен (sferum run) и верен ли адрес --url"
    en = "the server does not answer; check that it runs (sferum run) and that --url is right"


class InsecureUrl(Refusal):
    ru = "ключ доступа нельзя посылать без шифрования; укажите адрес https:// или --insecure"
    en = "the access token must not be sent unencrypted; give an https:// address or --insecure"


class NoToken(Refusal):
    ru = "нет ключа доступа; запустите сервер (sferum run) или укажите --token-file"
    en = "there is no access token; start the server (sferum run) or give --token-file"


class NotAllowed(Refusal):
    ru = "этому ключу доступа такое не разрешено; возьмите ключ своего сервера (--token-file)"
    en = "this access token may not do that; take your own server's token (--token-file)"


class NotFound(Refusal):
    ru = "такой школы, человека или чата нет; список школ: sferum org list"
    en = "there is no such school, person or room; the schools are in: sferum org list"


class OrgExists(Refusal):
    ru = "школа с таким именем уже есть; выберите другое (sferum org list)"
    en = "there is a school with that id already; choose another (sferum org list)"


class StalePlan(Refusal):
    ru = "пока вы читали план, данные школы изменились; посмотрите новый план"
    en = "the school's data changed while you read the plan; look at the new one"


class UnsafePlan(Refusal):
    ru = (
        "план убирает из чатов слишком много людей: так выглядит неполный файл; проверьте списки, "
        "а если всё верно, повторите с --force"
    )
    en = (
        "the plan removes too many people from rooms, as half a file would; check the lists and, "
        "if they are right, repeat with --force"
    )


class LastAdministrator(Refusal):
    ru = "школа осталась бы без администратора; сначала дайте эту роль кому-нибудь ещё"
    en = "the school would have no administrator left; give somebody else the role first"


class NameTaken(Refusal):
    ru = "класс с таким названием уже есть; выберите другое (sferum class list)"
    en = "there is a class of that name already; choose another (sferum class list)"


class NotInClass(Refusal):
    ru = "не все эти ученики в названном классе; посмотрите sferum class list и номера в списке"
    en = "not all of these pupils are in that class; look at sferum class list and the numbers"


class IsTeacher(Refusal):
    ru = "этот человек и так классный руководитель этого класса"
    en = "this person is the class's teacher already"


class NoYear(Refusal):
    ru = "у школы ещё нет учебного года; сначала загрузите её списки (sferum roster apply)"
    en = "the school has no school year yet; apply its lists first (sferum roster apply)"


class YearConflicts(Refusal):
    ru = "в плане ещё не всё решено; что именно, покажет sferum year plan ФАЙЛ"
    en = "the plan is not complete yet; sferum year plan FILE shows what is missing"


class NoUndo(Refusal):
    ru = "отменять нечего: перевода не было, прошло больше 14 дней или уже загружен новый список"
    en = "there is nothing to undo: no promotion, or 14 days are over, or a new list was applied"


class BadRequest(Refusal):
    """The server found the request wrong; `field` says where."""

    def sentence(self, language: Language) -> str:
        where = f" ({self.field})" if self.field else ""
        if language == "ru":
            return f"сервер не принял данные{where}; проверьте версии программ и сообщите об ошибке"
        return f"the server did not accept the data{where}; check the versions and report it"


class TooMuch(Refusal):
    ru = "данных больше, чем сервер принимает за раз; загрузите школу частями"
    en = "more data than the server takes at once; import the school in parts"


class Busy(Refusal):
    ru = "сервер занят; повторите через несколько минут — сделанное не пропало"
    en = "the server is busy; repeat in a few minutes — nothing done is lost"


class ServerFailed(Refusal):
    ru = "на сервере ошибка; посмотрите его журнал и повторите — сделанное не пропало"
    en = "the server failed; look at its log and repeat — nothing done is lost"


_BY_CODE: dict[str, type[Refusal]] = {
    "SFERUM_STALE_PLAN": StalePlan,
    "SFERUM_UNSAFE_PLAN": UnsafePlan,
    "SFERUM_LAST_ADMINISTRATOR": LastAdministrator,
    "SFERUM_ORG_EXISTS": OrgExists,
    "SFERUM_NAME_TAKEN": NameTaken,
    "SFERUM_NOT_IN_CLASS": NotInClass,
    "SFERUM_IS_TEACHER": IsTeacher,
    "SFERUM_NO_YEAR": NoYear,
    "SFERUM_YEAR_CONFLICTS": YearConflicts,
    "SFERUM_NO_UNDO": NoUndo,
    "M_FORBIDDEN": NotAllowed,
    "M_UNKNOWN_TOKEN": NotAllowed,
    "M_MISSING_TOKEN": NotAllowed,
    "M_NOT_FOUND": NotFound,
    "M_UNRECOGNIZED": NotFound,
    "M_LIMIT_EXCEEDED": Busy,
    "M_TOO_LARGE": TooMuch,
}
_BY_STATUS: dict[int, type[Refusal]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    413: TooMuch,
    429: Busy,
}


def refusal_of(status: int, answer: Mapping[str, object]) -> Refusal:
    """The exception for an HTTP error answer.

    Args:
        status: HTTP status, 400–599.
        answer: its JSON object, or empty.
    """
    errcode = str(answer.get("errcode") or "")
    kind = _BY_CODE.get(errcode) or _BY_STATUS.get(status)
    if kind is None:
        kind = ServerFailed if status >= 500 else BadRequest
    words = (str(answer.get(name) or "") for name in ("error", "field", "limit"))
    return kind(errcode, *words)
