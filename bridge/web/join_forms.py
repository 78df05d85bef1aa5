"""Forms of joining: a contact, a code with a new password, names. Labels are set in the visitor's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from wtforms.fields import EmailField, PasswordField, RadioField, SelectField, StringField, TelField
from wtforms.validators import InputRequired, Length, Optional

from bridge.applicant import (
    LONGEST_NAME,
    LONGEST_RELATION,
    Applicant,
    clean,
    is_line,
    is_name,
)
from bridge.people import SchoolClass
from bridge.roles import OF_A_CLASS, Role
from bridge.web.forms import LONGEST_PASSWORD, PASSWORD_LENGTH, PageForm
from bridge.web.i18n import N_
from bridge.web.visit import Visit
from provisioning.birth_date import BadDate, parse_date

#: Roles that a newcomer may ask for with a school's code, in this order.
WANTED = (
    (Role.STUDENT, N_("Ученик")),
    (Role.GUARDIAN, N_("Родитель или законный представитель")),
    (Role.TEACHER, N_("Учитель")),
    (Role.ADMINISTRATOR, N_("Администратор")),
    (Role.DEPUTY, N_("Заместитель директора")),
    (Role.DIRECTOR, N_("Директор")),
)
LONGEST_CHILD = 200  # characters: three names and a class
YOUNGEST = 3  # years; nobody of a school is younger


class SchoolCodeForm(PageForm):
    code = StringField(validators=[InputRequired(), Length(max=40)])


class ContactForm(PageForm):
    role = RadioField(validate_choice=False)
    class_id = SelectField(validate_choice=False)
    phone = TelField(validators=[Optional(), Length(max=60)])
    email = EmailField(validators=[Optional(), Length(max=255)])


class CodeForm(PageForm):
    code = StringField(validators=[InputRequired(), Length(max=40)])
    password = PasswordField(validators=[Length(max=LONGEST_PASSWORD)])


class CardForm(PageForm):
    password = PasswordField(
        validators=[InputRequired(), Length(min=PASSWORD_LENGTH, max=LONGEST_PASSWORD)]
    )


class NamesForm(PageForm):
    family_name = StringField(validators=[InputRequired(), Length(max=LONGEST_NAME)])
    given_name = StringField(validators=[InputRequired(), Length(max=LONGEST_NAME)])
    middle_name = StringField(validators=[Optional(), Length(max=LONGEST_NAME)])
    birth_date = StringField(validators=[InputRequired(), Length(max=20)])
    relation = StringField(validators=[InputRequired(), Length(max=LONGEST_RELATION)])
    child_name = StringField(validators=[InputRequired(), Length(max=LONGEST_CHILD)])


def contact_form(
    visit: Visit,
    posted: Any | None = None,
    *,
    chooses: bool,
    by_mail: bool,
    classes: Sequence[SchoolClass] = (),
) -> ContactForm:
    """`chooses`: role and class are not given by the invite; `by_mail`: R8."""
    form: ContactForm = ContactForm.of(visit, posted)
    form.phone.label.text = visit.gettext("Номер мобильного телефона")
    form.phone.description = visit.gettext("Придёт сообщение с кодом. В чатах номер не виден.")
    if by_mail:
        form.email.label.text = visit.gettext("или электронная почта")
        form.email.description = visit.gettext("Если у ученика нет своего телефона.")
    else:
        del form.email
    if chooses:
        form.role.label.text = visit.gettext("Кто вы в школе?")
        form.role.choices = [(role.value, visit.gettext(word)) for role, word in WANTED]
        form.class_id.label.text = visit.gettext("Класс ученика")
        form.class_id.description = visit.gettext("Для учеников и родителей.")
        empty = ("", visit.gettext("— выберите —"))
        form.class_id.choices = [empty, *((one.class_id, one.name) for one in classes)]
    else:
        del form.role
        del form.class_id
    return form


def check_choice(visit: Visit, form: ContactForm) -> Role | None:
    """The wanted role; None: none was chosen, or the class that it needs is missing: said beside the fields."""
    known = {role.value: role for role, _ in WANTED}
    role = known.get(str(form.role.data or ""))
    if role is None:
        form.fail("role", visit.gettext("Выберите, кто вы в школе."))
        return None
    choices: Any = form.class_id.choices
    if role in OF_A_CLASS and form.class_id.data not in {value for value, _ in choices if value}:
        form.fail("class_id", visit.gettext("Выберите класс."))
        return None
    return role


def code_form(visit: Visit, posted: Any | None = None, *, kept: bool) -> CodeForm:
    """`kept`: a password was typed before and need not be typed again."""
    form: CodeForm = CodeForm.of(visit, posted)
    form.code.label.text = visit.gettext("Код из сообщения")
    form.password.label.text = visit.gettext("Придумайте пароль")
    form.password.description = (
        visit.gettext("Пароль мы запомнили. Заполните, только если хотите другой.")
        if kept
        else _password_hint(visit)
    )
    return form


def check_password(visit: Visit, form: CodeForm, *, kept: bool) -> bool:
    """Long enough, or kept already."""
    typed = str(form.password.data or "")
    if len(typed) >= PASSWORD_LENGTH or (kept and not typed):
        return True
    text = visit.gettext("Слишком короткий пароль: нужно не меньше %(num)d символов.")
    form.fail("password", text % {"num": PASSWORD_LENGTH})
    return False


def card_form(visit: Visit, posted: Any | None = None) -> CardForm:
    form: CardForm = CardForm.of(visit, posted)
    form.password.label.text = visit.gettext("Придумайте пароль")
    form.password.description = _password_hint(visit)
    return form


def _password_hint(visit: Visit) -> str:
    return visit.gettext(
        "Не короче %(num)d символов. Удобно взять три-четыре слова подряд.", num=PASSWORD_LENGTH
    )


def names_form(
    visit: Visit,
    posted: Any | None = None,
    *,
    role: Role,
    asks_child: bool,
    known: Applicant | None = None,
) -> NamesForm:
    """`asks_child`: of a parent whom no child's link vouches for. `known`: names of whoever is signed in."""
    given = {} if known is None else _given(known)
    form: NamesForm = NamesForm.of(visit, posted, data=given)
    form.family_name.label.text = visit.gettext("Фамилия")
    form.given_name.label.text = visit.gettext("Имя")
    form.middle_name.label.text = visit.gettext("Отчество (если есть)")
    form.birth_date.label.text = visit.gettext("Дата рождения")
    form.birth_date.description = visit.gettext("Например, 01.07.2012")
    form.relation.label.text = visit.gettext("Кем вы приходитесь ребёнку?")
    form.relation.description = visit.gettext("Например: мать, отец, опекун")
    form.child_name.label.text = visit.gettext("Фамилия и имя ребёнка")
    if role is not Role.STUDENT:
        del form.birth_date
    if role is not Role.GUARDIAN:
        del form.relation
    if role is not Role.GUARDIAN or not asks_child:
        del form.child_name
    return form


def applicant_of(visit: Visit, form: NamesForm, today: date) -> Applicant | None:
    """What was typed, cleaned; None: something is wrong, said beside the field."""
    if not form.validate():
        return None
    names = {
        name: clean(str(form[name].data or ""))
        for name in ("family_name", "given_name", "middle_name")
    }
    wrong = visit.gettext("Только буквы, дефис и пробел.")
    bad = [name for name, text in names.items() if text and not is_name(text)]
    bad += [name for name in ("family_name", "given_name") if not names[name] and name not in bad]
    for name in bad:
        form.fail(name, wrong)
    birth_date = _birth_date(visit, form, today) if "birth_date" in form else None
    lines = {"relation": LONGEST_RELATION, "child_name": LONGEST_CHILD}
    typed = {name: clean(str(form[name].data or "")) for name in lines if name in form}
    for name, text in typed.items():
        if not is_line(text, lines[name]):
            form.fail(name, wrong)
    return None if form.errors else Applicant(**names, birth_date=birth_date, **typed)


def _birth_date(visit: Visit, form: NamesForm, today: date) -> date | None:
    try:
        found = parse_date(clean(str(form.birth_date.data or "")))
    except BadDate:
        found = None
    if found is None or today.year - found.year < YOUNGEST:
        form.fail("birth_date", visit.gettext("Напишите дату так: 01.07.2012."))
        return None
    return found


def _given(known: Applicant) -> dict[str, str]:
    return {
        "family_name": known.family_name,
        "given_name": known.given_name,
        "middle_name": known.middle_name,
    }
