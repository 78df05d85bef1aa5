"""One pupil for the class teacher: a lost card, a personal link, parents, somebody else's phone."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from bridge.cards import AS_THE_PUPIL, SheetRefusal, ends, make_slips
from bridge.class_roll import PupilRow
from bridge.contact_reset import Reset, ResetRefusal, reset_contacts, reset_refusal
from bridge.invite import Invite, InviteKind, IssueRefusal
from bridge.people import Roll
from bridge.roles import Account, PersonId
from bridge.web.access import class_lead
from bridge.web.class_cards import REFUSALS, desk_of, made_or_404
from bridge.web.classes import roll_of, rows_of
from bridge.web.render import page, problem
from bridge.web.visit import Visit
from bridge.writer import Finished

routes = web.RouteTableDef()

#: Last part of the address → what is made for one pupil.
KINDS = {
    "card": InviteKind.CARD,
    "personal": InviteKind.PERSONAL,
    "parent": InviteKind.CHILD_PARENT,
}
#: Seconds that the page waits for Synapse. It goes on by itself afterwards.
WAIT_S = 8.0


@routes.get("/class/{class_id}/pupil/{person_id}")
@class_lead
async def pupil(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What is known, and what can be given out."""
    return await _page(request, visit, account)


@routes.post("/class/{class_id}/pupil/{person_id}/{kind:card|personal|parent}")
@class_lead
async def make(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """R20: the second of two clicks after a card was lost; the old one is dead."""
    roll = await roll_of(request, visit, account)
    if roll is None:
        return problem(request, 404)
    kind, person_id = KINDS[request.match_info["kind"]], _person_id(request)
    made = await make_slips(desk_of(visit, account), roll, kind, {person_id})
    if made is SheetRefusal.IN_ALREADY or made is SheetRefusal.NOT_ONLY_A_PUPIL:
        return await _page(request, visit, account, wrong=visit.gettext(REFUSALS[made]))
    if isinstance(made, SheetRefusal):
        return problem(request, 404)
    return made_or_404(request, made)


@routes.get("/class/{class_id}/pupil/{person_id}/reset")
@class_lead
async def ask_reset(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """What will happen."""
    roll, row = await _row(request, visit, account)
    if roll is None or row is None or await _reset_refusal(visit, account, roll, row) is not None:
        return problem(request, 404)
    return page(request, "teacher/reset.html", roll=roll, row=row)


@routes.post("/class/{class_id}/pupil/{person_id}/reset")
@class_lead
async def reset(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """Off the account, everybody signed out, a new card."""
    roll = await roll_of(request, visit, account)
    if roll is None:
        return problem(request, 404)
    done = await reset_contacts(desk_of(visit, account), roll, _person_id(request))
    if not isinstance(done, Reset):
        return problem(request, 404)
    finished = await visit.services.writer.finish(done.steps_id, WAIT_S)
    said = "contact_reset" if finished is Finished.DONE else "contact_reset_later"
    return made_or_404(request, done.sheet_id, said=said)


async def _page(
    request: web.Request, visit: Visit, account: Account, wrong: str = ""
) -> web.StreamResponse:
    roll, row = await _row(request, visit, account)
    if roll is None or row is None:
        return problem(request, 404)
    live = await _live(visit, account, row)
    return page(
        request,
        "teacher/pupil.html",
        status=409 if wrong else 200,
        roll=roll,
        row=row,
        wrong=[wrong] if wrong else [],
        links=[one for one in live if one.kind in AS_THE_PUPIL],
        parent_links=[one for one in live if ends(InviteKind.CHILD_PARENT, one, row.pupil)],
        may_reset=await _reset_refusal(visit, account, roll, row) is None,
        zone=account.timezone,
    )


def _person_id(request: web.Request) -> PersonId:
    return PersonId(request.match_info["person_id"])


async def _row(
    request: web.Request, visit: Visit, account: Account
) -> tuple[Roll | None, PupilRow | None]:
    roll = await roll_of(request, visit, account)
    if roll is None:
        return None, None
    rows = await rows_of(visit, account, roll)
    person_id = _person_id(request)
    return roll, next((row for row in rows if row.pupil.person.person_id == person_id), None)


async def _live(visit: Visit, account: Account, row: PupilRow) -> Sequence[Invite]:
    person_id = row.pupil.person.person_id
    async with visit.services.store.begin() as work:
        return await work.invites.live(account.org_id, visit.now, person_id=person_id)


async def _reset_refusal(
    visit: Visit, account: Account, roll: Roll, row: PupilRow
) -> ResetRefusal | IssueRefusal | None:
    person = row.pupil.person
    theirs = await visit.services.directory.account(person.user_id) if person.user_id else None
    return reset_refusal(account, roll.class_id, person, theirs)
