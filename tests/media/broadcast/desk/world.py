"""A desk of the tests: one concert, a host, and what they pressed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from attrs import Factory, define, evolve

from media.broadcast.desk.endpoints import DeskPages
from media.broadcast.desk.leading import FloorAct, Overview
from media.broadcast.desk.shown import (
    Floor,
    HandUp,
    Led,
    Listed,
    Place,
    Question,
    Recording,
    Speaker,
    Unable,
)
from media.broadcast.desk.wishing import Wish
from media.broadcast.pages.shown import Figures, Phase, Refusal, Said
from tests.media.broadcast.pages.world import CONCERT, NOW

PLACES = (Place("", ""), Place("!5a:school.test", "5А"))
WAITING = evolve(CONCERT, phase=Phase.WAITING, begins_at=NOW)
LED = Led(
    broadcast=WAITING,
    place="5А",
    whip_url="https://rtc.school.test/whip/concert",
    watch_url="https://rtc.school.test/watch/concert",
)
RUNNING = evolve(
    LED,
    broadcast=CONCERT,
    published=True,
    recording=Recording.RUNNING,
    figures=Figures(viewers=321, delay_s=2.44, stalled=0.013, hands=2),
    notices=(("Звука нет.", "There is no sound."),),
    speakers=(Speaker("a", "Иванова Анна"), Speaker("b", "Иванова Анна", screen=True)),
    speaker="a",
)
OVER = evolve(
    LED,
    broadcast=evolve(CONCERT, phase=Phase.ENDED),
    recording=Recording.READY,
    recording_url="/watch/concert",
    may_delete=True,
)
FLOOR = Floor(
    broadcast=CONCERT,
    hands=(
        HandUp(number=1, name="Иванова Анна"),
        HandUp(number=2, name="Петров Иван", invited=True),
    ),
    all_hands=2,
    questions=(Question(number=3, name="Иванова Анна", text="Когда конец?"),),
    all_questions=1,
    newest=7,
    said=(Said(5, "Начинаем", host=True), Said(4, "Где ноты?")),
    slow_s=30,
    paces=(0, 30, 120),
    calls=True,
)
SAME = {"Sec-Fetch-Site": "same-origin"}


@define
class Remembering:
    """A `Leading` that remembers what was pressed. The cookie of the host is `host`, of a pupil `pupil`."""

    one: Led = LED
    refusal: Unable | None = None
    wishes: list[Wish] = Factory(list)
    done: list[str] = Factory(list)

    async def proved(self, openid: Mapping[str, object]) -> str | Refusal:
        return "host" if openid.get("access_token") == "good" else Refusal.SIGNED_OUT

    async def proved_by_ticket(self, ticket: str) -> str | Refusal:
        return "host" if ticket == "fresh" else Refusal.SIGNED_OUT

    def account(self, cookie: str) -> str | None:
        return f"@{cookie}:school.test" if cookie in {"host", "pupil"} else None

    async def overview(self, account: str) -> Overview | Refusal:
        leads = account.startswith("@host")
        listed = Listed(broadcast=self.one.broadcast, place=self.one.place, leads=leads)
        return Overview((listed,), PLACES if leads else None)

    async def make(self, account: str, wish: Wish) -> str | Unable:
        del account
        self.wishes.append(wish)
        return self.refusal or "concert"

    async def led(self, account: str, broadcast_id: str) -> Led | Unable:
        if broadcast_id != self.one.broadcast.id:
            return Unable.GONE
        return self.one if account.startswith("@host") else Unable.NOT_HOST

    async def new_key(self, account: str, broadcast_id: str) -> str | Unable:
        del account, broadcast_id
        return self.refusal or "a-key-for-obs"

    def publishing(self, account: str, broadcast_id: str) -> str:
        del account
        return f"pass-for-{broadcast_id}"

    async def begin(self, account: str, broadcast_id: str) -> Unable | None:
        return self._press("begin", account, broadcast_id)

    async def finish(self, account: str, broadcast_id: str) -> Unable | None:
        return self._press("finish", account, broadcast_id)

    async def drop(self, account: str, broadcast_id: str) -> Unable | None:
        return self._press("drop", account, broadcast_id)

    async def delete(self, account: str, broadcast_id: str) -> Unable | None:
        return self._press("delete", account, broadcast_id)

    async def show(self, account: str, broadcast_id: str, speaker: str) -> Unable | None:
        return self._press(f"show {speaker}", account, broadcast_id)

    async def let_type(self, account: str, broadcast_id: str) -> Unable | None:
        return self._press("captions", account, broadcast_id)

    async def floor(self, account: str, broadcast_id: str) -> Floor | Unable:
        found = await self.led(account, broadcast_id)
        return found if isinstance(found, Unable) else FLOOR

    async def moderate(
        self, account: str, broadcast_id: str, act: FloorAct, number: int, text: str
    ) -> Unable | None:
        return self._press(f"{act.value} {number} {text}", account, broadcast_id)

    async def follow(self, account: str, broadcast_id: str, link: str) -> Unable | None:
        return self._press(f"follow {link}", account, broadcast_id)

    def _press(self, act: str, account: str, broadcast_id: str) -> Unable | None:
        del account, broadcast_id
        if self.refusal is None:
            self.done.append(act)
        return self.refusal


def app_of(
    leading: Remembering, clock: Callable[[], float], origin: str = "https://rtc.school.test"
) -> web.Application:
    pages = DeskPages(
        leading=leading,
        origin=origin,
        wall=lambda: NOW,
        clock=clock,
        sign_in_url="https://school.test",
        client_url="https://matrix.school.test",
    )
    app = web.Application()
    pages.add_routes(app)
    return app


def cookie(who: str = "host") -> dict[str, Any]:
    return {"Cookie": f"__Host-sferum_desk={who}"}
