"""Words of the school year's pages, as a secretary would say them."""

from __future__ import annotations

from bridge.school_year import YearRefusal
from bridge.web.i18n import N_

REFUSALS = {
    YearRefusal.NOT_AGREED: N_("Поставьте галочку: без неё ничего не изменится."),
    YearRefusal.NOT_YOURS: N_("Переводить школу и отменять перевод могут директор и заместители."),
    YearRefusal.STALE: N_(
        "Пока вы смотрели, план или данные школы изменились. Ниже — как получится теперь: проверьте ещё раз."
    ),
    YearRefusal.CONFLICTS: N_("Перевести школу пока нельзя: ниже то, что осталось решить."),
    YearRefusal.NO_YEAR: N_("В школе ещё нет учебного года. Сначала загрузите списки."),
    YearRefusal.NO_UNDO: N_(
        "Отменить перевод уже нельзя: прошло 14 дней или после него загрузили новый список. "
        "Отдельных учеников можно перевести на их страницах."
    ),
    YearRefusal.LAST_ADMINISTRATOR: N_(
        "После такого перевода в школе не останется ни одного администратора. Сначала дайте эту роль кому-нибудь ещё."
    ),
    YearRefusal.NOT_TAKEN: N_(
        "Сервер школы не принял план. Начните план заново или сообщите тому, кто ведёт сервер."
    ),
}
FATES = {
    "continues": N_("переходит дальше"),
    "ends": N_("заканчивается"),
    "undecided": N_("ещё не решено"),
}
#: Of a list's difference: the command line names a command here.
NOT_PROMOTED = N_(
    "Это список следующего года, а школа ещё не переведена: у классов появились бы новые пустые чаты. "
    "Сначала откройте «Учебный год»"
)
#: What is wrong in a field.
BAD_NAME = N_("Так класс назвать нельзя. Напишите, например, 6А.")
NO_NAME = N_("Напишите, как класс будет называться, например 6А.")
BAD_DATE = N_("Это не дата. Напишите, например, 01.09.2027.")
DATES_TURNED = N_("Чаты нельзя убрать раньше, чем уйдут выпускники.")
