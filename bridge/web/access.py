"""Who may open a page. Others get the answer of a page that does not exist: nobody learns what there is."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

from aiohttp import web

from bridge.roles import Account, ClassId
from bridge.web.render import problem, redirect
from bridge.web.visit import Visit, visit_of

#: A page for somebody of the school: the request, the visit, and who it is.
Page = Callable[[web.Request, Visit, Account], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def only(may: Callable[[web.Request, Account], bool]) -> Callable[[Page], Handler]:
    """A page for accounts of which `may` says yes. A stranger is asked to sign in first and led back."""

    def wrap(inner: Page) -> Handler:
        @functools.wraps(inner)
        async def handler(request: web.Request) -> web.StreamResponse:
            visit = visit_of(request)
            if visit.user_id is None:
                back = {"next": request.path_qs} if request.method == "GET" else {}
                return redirect("/signin", **back)
            if visit.account is None:
                return redirect("/status")  # waits for a yes, or has left
            if not may(request, visit.account):
                return problem(request, 404)
            return await inner(request, visit, visit.account)

        return handler

    return wrap


def _leads(request: web.Request, account: Account) -> bool:
    return account.administers or account.leads(ClassId(request.match_info.get("class_id", "")))


member = only(lambda request, account: True)
staff = only(lambda request, account: account.is_staff)
administration = only(lambda request, account: account.administers)
heads = only(lambda request, account: account.heads)
#: What class teachers of any class and administration have; a subject teacher is not told that there is anything.
leads_any = only(lambda request, account: account.administers or bool(account.homeroom_of))
#: Pages under `/class/{class_id}`: its class teacher, and administration.
class_lead = only(_leads)
