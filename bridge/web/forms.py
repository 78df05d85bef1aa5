"""Forms: WTForms with messages in the visitor's language. CSRF is `security.own_forms`', for every form at once."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

from aiohttp import web
from wtforms import Form
from wtforms.fields import Field

from bridge.ports_directory import DirectoryRefused
from bridge.web.render import page
from bridge.web.visit import Visit

#: Shortest password, as in homeserver.yaml (`password_config.policy.minimum_length`): the admin API does not check it.
PASSWORD_LENGTH = 10
LONGEST_PASSWORD = 256  # bcrypt reads 72 bytes; more than that is somebody's experiment


class PageForm(Form):
    """Build with `Form.of(visit, posted)`; `posted` None shows an empty form."""

    @classmethod
    def of(cls, visit: Visit, posted: Any | None = None, **kwargs: Any) -> Any:
        return cls(posted, meta={"locales": [visit.language]}, **kwargs)

    def fail(self, field: str, text: str) -> None:
        """An error beside a field, already translated."""
        errors = list(self[field].errors)
        self[field].errors = [*errors, text]

    def errors_by_field(self) -> Mapping[str, list[str]]:
        return {name: list(errors) for name, errors in self.errors.items() if name}


def form_page(
    request: web.Request, template: str, form: PageForm, *, refused: str = "", **values: Any
) -> web.Response:
    """A page with a form: 422 with what is wrong with it. `refused`: what stands above its fields, translated."""
    return page(
        request,
        template,
        status=422 if form.errors or refused else 200,
        form=form,
        refused=[refused] if refused else [],
        **values,
    )


def refusal_text(
    visit: Visit, error: DirectoryRefused, texts: Mapping[int, str], otherwise: int
) -> str:
    """What the directory's no means to whoever filled in the form: by its status, else as that of `otherwise`."""
    return visit.gettext(texts.get(error.status, texts[otherwise]))


async def refusal_of(
    visit: Visit, writing: Awaitable[None], texts: Mapping[int, str], otherwise: int
) -> str:
    """The same of something that is written now; "" when it is done."""
    try:
        await writing
    except DirectoryRefused as error:
        return refusal_text(visit, error, texts, otherwise)
    return ""


def describe(field: Field) -> dict[str, str]:
    """Attributes that tie a field to its hint and error for screen readers."""
    ids = [f"{field.id}-hint"] if field.description else []
    ids += [f"{field.id}-error"] if field.errors else []
    found = {"aria-describedby": " ".join(ids)} if ids else {}
    return {**found, **({"aria-invalid": "true"} if field.errors else {})}
