"""«Поздоровайтесь с классом»: the first message without any client, and the same box on the page after joining."""

from __future__ import annotations

from aiohttp import web

from bridge.greeting import LONGEST, Greetable, GreetRefusal, greet, rooms_to_greet
from bridge.roles import Account
from bridge.web.access import member
from bridge.web.i18n import N_
from bridge.web.render import page, redirect
from bridge.web.security import form_of
from bridge.web.visit import Visit

routes = web.RouteTableDef()

REFUSALS = {
    GreetRefusal.NO_ROOM: N_("Чат ещё готовится. Попробуйте через минуту."),
    GreetRefusal.UNCONFIRMED: N_(
        "Писать в чат можно будет, когда родитель подтвердит ваш профиль."
    ),
    GreetRefusal.EMPTY: N_("Напишите хотя бы слово."),
    GreetRefusal.TOO_LONG: N_(
        "Слишком длинно: не больше 500 знаков. Длинное напишите в самом чате."
    ),
    GreetRefusal.OFTEN: N_("На сегодня достаточно. Дальше пишите в самом чате."),
}


async def rooms_of(visit: Visit, account: Account) -> list[Greetable]:
    """For the box: rooms where this person may say hello now."""
    rooms = await visit.services.directory.rooms(account.org_id)
    return rooms_to_greet(account, rooms)


@routes.get("/hello")
@member
async def show(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """The box alone; waits for a room that is being made by loading itself again."""
    rooms = await rooms_of(visit, account)
    return page(request, "hello/hello.html", rooms=rooms, wrong="", text="", longest=LONGEST)


@routes.post("/hello")
@member
async def say(request: web.Request, visit: Visit, account: Account) -> web.StreamResponse:
    """One message; a form sent twice is one message, its id came with the form."""
    form = form_of(request)
    text, room_id = str(form.get("text", "")), str(form.get("room", ""))
    message_id = str(form.get("message", ""))[:40] or visit.services.chance.new_id()
    services = visit.services
    answer = await greet(
        account,
        room_id,
        text,
        message_id,
        visit.now,
        store=services.store,
        directory=services.directory,
        homeserver=services.homeserver,
    )
    if isinstance(answer, GreetRefusal):
        rooms = await rooms_of(visit, account)
        wrong = visit.gettext(REFUSALS[answer])
        status = 429 if answer is GreetRefusal.OFTEN else 400
        return page(
            request,
            "hello/hello.html",
            status=status,
            rooms=rooms,
            wrong=wrong,
            text=text[:LONGEST],
            longest=LONGEST,
        )
    return redirect("/clients", said="hello")
