"""Words of the administration's pages: each kind, status, reason and refusal as a secretary would say it."""

from __future__ import annotations

from bridge.invite import InviteKind, IssueRefusal
from bridge.people import LinkStatus, Status
from bridge.roster_import import ImportRefusal
from bridge.roster_upload import UploadRefusal
from bridge.school_matters import Matter
from bridge.school_rights import ChangeRefusal
from bridge.web.i18n import N_

MATTERS = {
    Matter.SENDING_STOPPED: N_("Отправка кодов остановлена"),
    Matter.ROOMS_HELD: N_("Изменение чатов ждёт вашего согласия"),
    Matter.STEPS_DEAD: N_("Не удалось настроить учётные записи"),
    Matter.ROOMS_DEAD: N_("Не удалось настроить чаты"),
    Matter.IMPORT_FAILED: N_("Списки не загружены"),
    Matter.DISPUTES: N_("Споры о номерах ждут решения"),
    Matter.APPLICATIONS: N_("Заявки ждут решения"),
    Matter.NO_CLASS_TEACHER: N_("Нет классного руководителя"),
    Matter.UNCONFIRMED: N_("Ученики до 14 лет без подтверждения родителя"),
    Matter.NOT_IN_YET: N_("Ещё не вошли"),
    Matter.EMPTY_CLASS: N_("В классе нет учеников"),
}

#: Why codes are not sent any more: `limits.Limit`, of ALARMS.
LIMITS = {
    "budget": N_("исчерпан дневной запас кодов"),
    "prefix_spike": N_("слишком много кодов на похожие номера"),
    "ratio": N_("коды отправляют, но не вводят"),
}

#: Why a list of steps was given up: `account_steps.Failure`, or a server's code, which is shown as it is.
FAILURES = {
    "threepid_taken": N_("этот телефон или почта записаны за чужой учётной записью"),
    "no_account": N_("учётной записи нет на сервере"),
    "account_closed": N_("учётная запись закрыта"),
    "no_person": N_("человека больше нет в списках"),
    "too_long": N_("сервер не отвечал целую неделю"),
}

STATUSES = {
    Status.LISTED: N_("ещё не вошёл"),
    Status.ACTIVE: N_("вошёл"),
    Status.LEFT: N_("покинул школу"),
}
LINKS = {
    LinkStatus.CLAIMED: N_("не подтверждена"),
    LinkStatus.CONFIRMED: N_("подтверждена"),
    LinkStatus.RESTRICTED: N_("закрыта по решению суда"),
}

CHANGES = {
    ChangeRefusal.NOT_YOURS: N_(
        "Директора и заместителей назначает и снимает только директор, администраторов — директор и заместители."
    ),
    ChangeRefusal.SELF: N_("Это вы сами: откройте «Профиль»."),
    ChangeRefusal.NO_ROLE: N_("Выберите хотя бы одну роль."),
    ChangeRefusal.LISTED_ROLES: N_("Вернуть роль из списка школы может только директор."),
    ChangeRefusal.HEADS_ONLY: N_("Это могут сделать только директор и заместители."),
    ChangeRefusal.LAST_ADMINISTRATOR: N_(
        "Это последний администратор школы. Сначала дайте эту роль кому-нибудь ещё."
    ),
    ChangeRefusal.REFUSED: N_("Не получилось: данные изменились. Обновите страницу и проверьте."),
}

UPLOADS = {
    UploadRefusal.NO_FILES: N_("Выберите хотя бы один файл."),
    UploadRefusal.TOO_MANY: N_("Не больше двенадцати файлов за раз."),
    UploadRefusal.TOO_LARGE: N_("Файлы вместе больше 20 МБ. Загрузите их по частям."),
    UploadRefusal.YEAR: N_("Учебный год — два года подряд, например 2026/2027."),
}

IMPORTS = {
    ImportRefusal.STALE: N_(
        "Пока вы смотрели, данные школы изменились. Ниже — новое сравнение: проверьте его."
    ),
    ImportRefusal.UNSAFE: N_(
        "Список убирает слишком много людей из чатов. Если файл неполный, ничего не применяйте."
    ),
    ImportRefusal.FORCE_NOT_YOURS: N_(
        "Применить такой список могут только директор и заместители: попросите их."
    ),
    ImportRefusal.LAST_ADMINISTRATOR: N_(
        "В этом списке не остаётся ни одного администратора школы. Проверьте список сотрудников и их должности."
    ),
    ImportRefusal.RIGHTS: N_(
        "Список меняет, кто в школе директор, заместитель или администратор. Применить его может директор."
    ),
    ImportRefusal.NOT_TAKEN: N_("Сервер школы не принял список. Сообщите тому, кто ведёт сервер."),
}
#: Of the log and the dashboard: `ImportRefusal`, or that files could not be read.
FAILED_IMPORTS = {
    "problems": N_("в файлах ошибки"),
    "stale": N_("данные школы изменились"),
    "unsafe": N_("слишком много удалений"),
    "force_not_yours": N_("нужен директор или заместитель"),
    "last_administrator": N_("не осталось бы администраторов"),
    "rights": N_("список меняет права, нужен директор"),
    "not_taken": N_("сервер не принял список"),
}

INVITES = {
    InviteKind.CLASS_PUPIL: N_("для учеников класса"),
    InviteKind.CLASS_PARENT: N_("для родителей класса"),
    InviteKind.CHILD_PARENT: N_("для родителя ученика"),
    InviteKind.PERSONAL: N_("личное, для ученика"),
    InviteKind.CARD: N_("карточка ученика"),
    InviteKind.STAFF: N_("для сотрудников"),
    InviteKind.SCHOOL: N_("код школы"),
}
ISSUES = {
    IssueRefusal.NOT_YOURS: N_("Такие приглашения даёт директор или заместитель."),
    IssueRefusal.ROLE: N_("Выберите роль."),
    IssueRefusal.CLASS_NEEDED: N_("Выберите класс."),
    IssueRefusal.PERSON_NEEDED: N_("Выберите ученика."),
    IssueRefusal.EMAIL_GRADE: N_("Почта вместо телефона — только для младших классов."),
    IssueRefusal.USES: N_("Не больше 500 человек на одно приглашение."),
    IssueRefusal.LIFETIME: N_("Приглашение действует не дольше года."),
}

#: Why somebody is, or is not, in a room: `synapse_sferum/why.py`, SENTENCES.
WHY = {
    "of_the_school": N_("в этом чате все из школы"),
    "staff": N_("в этом чате все сотрудники"),
    "administrative": N_("в этом чате директор, заместители и администраторы"),
    "student_of_the_class": N_("ученик этого класса"),
    "homeroom_teacher": N_("классный руководитель этого класса"),
    "guardian_of_a_student": N_("родитель ученика этого класса, связь подтверждена"),
    "no_active_profile": N_("ещё не вошёл или покинул школу"),
    "other_school": N_("из другой школы"),
    "not_staff": N_("не сотрудник"),
    "not_administrative": N_("не директор, не заместитель и не администратор"),
    "not_of_the_class": N_("не ученик и не руководитель этого класса"),
    "no_child_in_the_class": N_("нет подтверждённой связи с учеником класса"),
    "archived": N_("класса больше нет, чат оставлен для чтения"),
    "staff_bot": N_("помощник, который приносит заявки"),
    "of_the_common_room": N_("общий чат школ округа: по роли"),
    "teaches_the_subject": N_("общий чат школ округа: ведёт этот предмет"),
    "not_of_the_roles": N_("общий чат школ округа: не для этой роли"),
    "not_of_the_subject": N_("общий чат школ округа: не ведёт этот предмет"),
    "register_paused": N_("реестр округа не действует, никто не входит и не выходит"),
    "cut_off": N_("округ отключил школу, в чате остались только свои"),
    "room_taken_away": N_("округ закрыл этот чат, все выходят"),
}
#: How a room of several schools stands: `synapse_sferum/district/room_standing.py`, Stage.
COMMON_STAGES = {
    "up_to_date": N_("всё на месте"),
    "waits_for_maker": N_("ждём приглашения"),
    "waits_for_schools": N_("ждём другие школы"),
    "filling": N_("состав меняется"),
    "paused": N_("реестр не действует: никто не пишет"),
    "alone": N_("округ отключил школу: никто не пишет"),
    "leaving": N_("чат закрыт: мы из него выходим"),
    "left": N_("чат закрыт: мы из него вышли"),
}
#: Whom the register names: words of staff.
COMMON_WORDS = {
    "staff": N_("все сотрудники"),
    "director": N_("директора"),
    "deputy": N_("заместители директоров"),
    "administrator": N_("администраторы"),
    "teacher": N_("учителя"),
}
ROOM_KINDS = {
    "school": N_("Школа"),
    "announcements": N_("Объявления"),
    "staff": N_("Сотрудники"),
    "administration": N_("Администрация"),
    "class": N_("Класс"),
    "class_parents": N_("Родители класса"),
    "materials": N_("Материалы"),
    "common": N_("Общий чат школ"),
}

#: Entries of both logs (docs/openapi.yaml, AuditEntry.action; `records.Action`).
ACTIONS = {
    "activate": N_("человек вошёл в школу"),
    "add": N_("человек добавлен"),
    "broadcast": N_("трансляция"),
    "confirm": N_("подтверждение родителя"),
    "erase": N_("данные удалены"),
    "guardianship": N_("связь родителя и ребёнка"),
    "homeroom_teachers": N_("классные руководители"),
    "leave": N_("человек покинул школу"),
    "move": N_("переход в другой класс"),
    "org": N_("настройки школы"),
    "retry": N_("чат настроен повторно"),
    "roles": N_("роли"),
    "roster": N_("списки школы применены"),
    "sanction": N_("изменение чатов разрешено"),
    "subjects": N_("изменены предметы"),
    "merge_classes": N_("классы объединены"),
    "split_class": N_("класс разделён"),
    "substitute": N_("замещающий классный руководитель"),
    "year": N_("перевод на следующий учебный год"),
    "year_undo": N_("перевод на следующий учебный год отменён"),
    "gathering": N_("расписание"),
    "material": N_("материал"),
    "quiet_hours": N_("тихие часы"),
    "export_person": N_("выгрузка данных человека"),
    "export_room": N_("выгрузка сообщений чата"),
    "contact_claimed": N_("телефон или почта подтверждены"),
    "contact_released": N_("телефон или почта освобождены"),
    "invite_issued": N_("приглашение создано"),
    "invite_revoked": N_("приглашение отозвано"),
    "application_made": N_("заявка подана"),
    "application_approved": N_("заявка одобрена"),
    "application_rejected": N_("заявка отклонена"),
    "sending_stopped": N_("отправка кодов остановлена"),
    "devices_signed_out": N_("выход на всех устройствах"),
    "steps_retried": N_("настройка учётной записи повторена"),
    "steps_dismissed": N_("сообщение об ошибке убрано"),
    "roster_failed": N_("списки не загружены"),
    "contacts_listed": N_("телефоны из списков обновлены"),
    "left": N_("человек покинул школу"),
    "erased": N_("данные удалены"),
    "dispute_opened": N_("спор о номере начат"),
    "dispute_kept": N_("номер остался у прежнего владельца"),
    "dispute_released": N_("номер освобождён"),
    "consent_given": N_("родитель дал согласие"),
    "consent_withdrawn": N_("родитель отозвал согласие"),
}
#: Where a broadcast is: `before` and `after` of its entries (synapse_sferum/broadcast_words.py, Stage).
STAGES = {
    "waiting": N_("создана"),
    "live": N_("идёт"),
    "ended": N_("закончилась"),
    "recorded": N_("запись готова"),
    "removed": N_("запись удалена"),
    "deleted": N_("отменена"),
}
#: Actors that are no people.
PARTS = {
    "service": N_("служба"),
    "calendar": N_("календарь"),
    "limits": N_("защита от рассылок"),
    "applicant": N_("заявитель"),
    "erasure": N_("удаление по сроку"),
    "command line": N_("командная строка"),
}
#: Reasons that no person has written.
REASONS = {
    "own wish": N_("по собственному желанию"),
    "by hand": N_("вручную"),
    "retention": N_("удаление по сроку"),
}
