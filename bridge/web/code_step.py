"""The page on which a code is typed: the same for signing in and for a new phone; only what the code opens differs."""

from __future__ import annotations

from aiohttp import web
from attrs import frozen
from wtforms.fields import StringField
from wtforms.validators import InputRequired, Length

from bridge.answers import Proven, Requested
from bridge.onboarding import resend_code, verify_code
from bridge.records import Purpose
from bridge.sent_codes import SentCode, sent_code
from bridge.verification import ChallengeId
from bridge.web.code_words import code_words
from bridge.web.forms import PageForm
from bridge.web.home import is_own_path
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import SERVICES, Visit, visit_of


class CodeForm(PageForm):
    code = StringField(validators=[InputRequired(), Length(max=40)])


@frozen(kw_only=True)
class CodeStep:
    """Attributes:
    base: its pages are `{base}/{challenge_id}` and `{base}/{challenge_id}/again`.
    """

    purpose: Purpose
    base: str

    async def show(self, request: web.Request) -> web.StreamResponse:
        sent = await self._sent(request)
        if sent is None:
            return self.begin(request)
        return self._page(request, sent, _form(visit_of(request)))

    async def typed(self, request: web.Request) -> ChallengeId | web.StreamResponse:
        """The chain if the code was right, else the page that says what is wrong."""
        visit, services = visit_of(request), request.app[SERVICES]
        sent = await self._sent(request)
        if sent is None:
            return self.begin(request)
        form = _form(visit, form_of(request))
        if not form.validate():
            return self._page(request, sent, form)
        answer = await verify_code(
            sent.id,
            str(form.code.data),
            visit.session,
            visit.now,
            store=services.store,
            vault=services.vault,
        )
        if isinstance(answer, Proven):
            return sent.id
        form.fail("code", code_words(visit, answer))
        return self._page(request, await self._sent(request) or sent, form)

    async def again(self, request: web.Request) -> web.StreamResponse:
        """Send another code."""
        visit, services = visit_of(request), request.app[SERVICES]
        sent = await self._sent(request)
        if sent is None:
            return self.begin(request)
        answer = await resend_code(
            sent.id,
            visit.session,
            visit.address,
            visit.now,
            store=services.store,
            vault=services.vault,
            settings=services.settings,
            chance=services.chance,
        )
        if isinstance(answer, Requested):
            return redirect(f"{self.base}/{sent.id}", said="code_again", **carried(request))
        form = _form(visit)
        form.fail("code", code_words(visit, answer))
        return self._page(request, sent, form)

    def begin(self, request: web.Request) -> web.StreamResponse:
        """Back to where the contact is typed."""
        return redirect(self.base, **carried(request))

    def _page(self, request: web.Request, sent: SentCode, form: CodeForm) -> web.StreamResponse:
        return page(
            request,
            "self/code.html",
            form=form,
            sent=sent,
            wait_s=sent.wait_s(visit_of(request).now),
            base=self.base,
            back=next_of(request),
        )

    async def _sent(self, request: web.Request) -> SentCode | None:
        services = request.app[SERVICES]
        return await sent_code(
            ChallengeId(request.match_info["challenge_id"]),
            visit_of(request).session,
            self.purpose,
            store=services.store,
            vault=services.vault,
        )


def _form(visit: Visit, posted: object | None = None) -> CodeForm:
    form: CodeForm = CodeForm.of(visit, posted)
    form.code.label.text = visit.gettext("Код из сообщения")
    return form


def next_of(request: web.Request) -> str:
    """Where to go afterwards: one of our own paths, or ""."""
    given = str(form_of(request).get("next", "")) if request.method == "POST" else ""
    given = given or request.query.get("next", "")
    return given if is_own_path(given) else ""


def carried(request: web.Request) -> dict[str, str]:
    """The same for the next address."""
    back = next_of(request)
    return {"next": back} if back else {}
