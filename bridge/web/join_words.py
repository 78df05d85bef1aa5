"""What the pages of joining say for each refusal, in a sentence that says what to do."""

from __future__ import annotations

from bridge.answers import EmailRefusal
from bridge.application import ApplyRefusal
from bridge.onboarding_rules import Exit, StopReason
from bridge.people import PersonRecord
from bridge.standing import Why
from bridge.web.code_words import code_words
from bridge.web.i18n import N_
from bridge.web.visit import Visit
from bridge.web.words import ROLES

#: Why → (title, text).
WHY = {
    Why.CHILD_FIRST: (
        N_("Сначала регистрируется ребёнок"),
        N_(
            "Ребёнок ещё не зарегистрировался в школьном мессенджере. Пусть он войдёт по своему коду, "
            "ссылке или карточке, а потом откройте эту ссылку ещё раз: она действует."
        ),
    ),
    Why.CHILDS_PHONE: (
        N_("На этот номер зарегистрирован ученик"),
        N_(
            "Один номер — один профиль. Если это телефон ребёнка, укажите свой. Если вы по ошибке "
            "зарегистрировались как ученик, войдите и в профиле выберите «Покинуть школу»: номер "
            "сразу освободится, и вы сможете зарегистрироваться как родитель."
        ),
    ),
    Why.CHILDS_BROWSER: (
        N_("В этом браузере вошёл ученик"),
        N_(
            "Эта ссылка — для родителя. Передайте её родителю, или нажмите «Это не я», если родитель "
            "сейчас за этим устройством."
        ),
    ),
    Why.ALREADY_IN: (
        N_("Профиль уже есть"),
        N_(
            "Этот человек уже зарегистрирован с другим номером или логином. Войдите с ним. Если номер "
            "сменился или пароль забыт, обратитесь к классному руководителю или администратору школы."
        ),
    ),
    Why.OTHER_SCHOOL: (
        N_("Этот номер записан в другой школе"),
        N_(
            "С этим номером в другой школе записан ученик, или вы регистрируетесь как ученик, а ученик бывает только в "
            "одной школе. Войдите и покиньте прежнюю школу в своём профиле: номер освободится сразу. Потом "
            "откройте эту ссылку ещё раз."
        ),
    ),
    Why.OTHER_PROFILE: (
        N_("В этом браузере открыт профиль другой школы"),
        N_(
            "В каждой школе у человека свой профиль. Нажмите «Зарегистрироваться в этой школе»: можно указать тот же "
            "номер телефона, прежний профиль останется."
        ),
    ),
    Why.NOT_LISTED: (
        N_("Этого номера нет в списке администрации школы"),
        N_(
            "Права директора, заместителя и администратора привязаны к номеру, который школа указала "
            "в своём списке. Войдите с тем номером. Если он другой, попросите школу исправить список."
        ),
    ),
    Why.OTHER_PHONE: (
        N_("В списке школы у вас другой номер"),
        N_(
            "Сотрудник с таким именем записан с другим номером телефона. Зарегистрируйтесь с тем "
            "номером или попросите администратора школы исправить список."
        ),
    ),
    Why.GONE: (
        N_("Эта ссылка больше не подходит"),
        N_(
            "Человека, для которого она сделана, в школе больше нет. Обратитесь к классному "
            "руководителю."
        ),
    ),
}
STOPS = {
    StopReason.PARENTS_PHONE: N_(
        "Этот номер записан за родителем. Ученику нужен свой вход, чтобы родитель потом мог "
        "зарегистрироваться со своим номером."
    ),
    StopReason.STAFF_PHONE: N_("Этот номер записан за сотрудником школы. Ученику нужен свой вход."),
}
#: Way on → (what to do, why it does not help this class; "" if it always does).
EXITS = {
    Exit.OWN_PHONE: (N_("Указать собственный телефон ученика"), ""),
    Exit.EMAIL_BY_CLASS_LINK: (
        N_(
            "Зарегистрироваться по электронной почте: попросите у классного руководителя ссылку "
            "класса с почтой"
        ),
        N_("По электронной почте регистрируются только младшие классы"),
    ),
    Exit.QR_CARD: (
        N_("Войти без телефона и почты: попросите у классного руководителя карточку с QR-кодом"),
        "",
    ),
}
APPLY = {
    ApplyRefusal.CLASS_NEEDED: N_("Выберите класс."),
    ApplyRefusal.WAITING: N_(
        "Такая заявка уже ждёт ответа школы. Второй раз подавать её не нужно."
    ),
    ApplyRefusal.REJECTED_LATELY: N_(
        "Школа недавно не подтвердила такую заявку. Повторить можно через сутки; лучше сначала "
        "поговорите с классным руководителем."
    ),
    ApplyRefusal.REJECTED_OFTEN: N_(
        "Школа несколько раз не подтвердила заявку с этим номером. Попросите у классного "
        "руководителя личную ссылку."
    ),
}
EMAIL = {
    EmailRefusal.NOT_BY_THIS_LINK: N_(
        "По этой ссылке можно зарегистрироваться только с телефоном."
    ),
}


def join_words(visit: Visit, refusal: object) -> str:
    """One sentence for whatever was answered instead of a yes."""
    if isinstance(refusal, EmailRefusal):
        return visit.gettext(EMAIL[refusal])
    if isinstance(refusal, ApplyRefusal):
        return visit.gettext(APPLY[refusal])
    return code_words(visit, refusal)


def masked_person(visit: Visit, person: PersonRecord) -> str:
    """«Иванов А., 5А» or «Орлова Н., учитель»: enough to recognise oneself."""
    seat = next((one.name for one in person.seats if one.role == "student"), "")
    if seat:
        return f"{person.short_name}, {seat}"
    roles = sorted(role.value for role in person.roles)
    words = ", ".join(visit.gettext(ROLES[role]) for role in roles)
    return f"{person.short_name}, {words}"
