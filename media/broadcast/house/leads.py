"""Behind hosts' pages: the list, a new broadcast, what somebody leads. Rights are the register's, asked each time."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from media.broadcast.desk.leading import FloorAct, Overview
from media.broadcast.desk.shown import Floor, Led, Listed, Unable
from media.broadcast.desk.wishing import Wish
from media.broadcast.house import moderating, refusing, showing
from media.broadcast.house.house import BroadcastHouse
from media.broadcast.pages.shown import Refusal
from media.broadcast.register import api, values
from media.broadcast.register.values import State
from media.broadcast.whip.ids import BroadcastId

#: Broadcasts in the list that are over; older ones are found by their link in the chat.
MOST_PAST = 50


@frozen
class Leads:
    """`Leading` of the desk, in front of the house."""

    house: BroadcastHouse

    async def proved(self, openid: Mapping[str, object]) -> str | Refusal:
        account = await self.house.doors.by_openid(openid)
        if isinstance(account, api.No):
            return self.house.refuse(refusing.REFUSAL[account])
        return self.house.signing.cookie(account, self.house.wall())

    async def proved_by_ticket(self, ticket: str) -> str | Refusal:
        account = self.house.doors.by_ticket(ticket, "desk")
        if isinstance(account, api.No):
            return self.house.refuse(refusing.REFUSAL[account])
        return self.house.signing.cookie(account, self.house.wall())

    def account(self, cookie: str) -> str | None:
        return self.house.signing.account(cookie, self.house.wall())

    async def overview(self, account: str) -> Overview | Refusal:
        """What they may watch; those that are over come after, the newest first."""
        audiences = await self.house.desk.audiences(account)
        if audiences is api.No.UNAVAILABLE:
            return self.house.refuse(Refusal.UNAVAILABLE)
        listed: list[Listed] = []
        past = 0
        for one in self.house.book.all():
            over = one.state is State.ENDED
            if over and past >= MOST_PAST:
                continue
            standing = await self.house.watchers.standing(account, one.id)
            if isinstance(standing, api.No):
                continue
            past += over
            listed.append(
                Listed(
                    broadcast=self.house.shown(one),
                    place=showing.place(one.audience).name,
                    leads=standing.host,
                )
            )
        places = None
        if not isinstance(audiences, api.No) and audiences:
            places = tuple(map(showing.place, audiences))
        return Overview(tuple(listed), places, tuple(self.house.elsewhere()))

    async def make(self, account: str, wish: Wish) -> str | Unable:
        made = await self.house.desk.make(
            account,
            values.Wish(
                title=wish.title,
                room_id=wish.place,
                begins_at=None if wish.begins_at is None else wish.begins_at.timestamp(),
                recorded=wish.recorded,
                low_latency=wish.low_latency,
            ),
        )
        if isinstance(made, api.No):
            return _unable(made)
        if isinstance(made, values.BadWish):  # the form was stricter: the clock has gone on
            return Unable.UNAVAILABLE
        return made.broadcast.id

    async def led(self, account: str, broadcast_id: str) -> Led | Unable:
        found = await self.house.standing(broadcast_id, account)
        if isinstance(found, api.No):
            return _unable(found)
        one, standing = found
        if not standing.host:
            return Unable.NOT_HOST
        seen = self.house.staging.seen(one.id)
        schools = self.house.schools
        followed = "" if schools is None else schools.now(one.id)
        running = self.house.running(one.id)
        return Led(
            broadcast=self.house.shown(one),
            place=showing.place(one.audience).name,
            whip_url=f"{self.house.url}/whip/{one.id}",
            watch_url=f"{self.house.url}/watch/{one.id}",
            published=seen.publishers > 0 or bool(seen.speaker),
            spare=seen.publishers > 1,
            notices=seen.notices if one.on_air and not followed else (),
            recording=showing.recording(one, self.house.wall()),
            recording_url=f"{self.house.url}/watch/{one.id}",
            figures=self.house.figures_of(one.id),
            speakers=tuple(await self.house.staging.speakers(one)),
            speaker=seen.speaker,
            may_delete=standing.keeper,
            schools=schools is not None and schools.any,
            share_link="" if schools is None else schools.link(one.id),
            followed=followed,
            captions=one.captions > 0,
            captions_code=self.house.signing.captions_code(one.id, one.captions)
            if one.captions
            else "",
            questions=0 if running is None else len(running.talk),
        )

    async def new_key(self, account: str, broadcast_id: str) -> str | Unable:
        made = await self.house.desk.new_key(account, BroadcastId(broadcast_id))
        return _unable(made) if isinstance(made, api.No) else made.key

    def publishing(self, account: str, broadcast_id: str) -> str:
        return self.house.signing.publisher(broadcast_id, account, self.house.wall())

    async def begin(self, account: str, broadcast_id: str) -> Unable | None:
        return await self.house.begin(account, BroadcastId(broadcast_id))

    async def finish(self, account: str, broadcast_id: str) -> Unable | None:
        return await self.house.finish(account, BroadcastId(broadcast_id))

    async def drop(self, account: str, broadcast_id: str) -> Unable | None:
        gone = await self.house.desk.call_off(account, BroadcastId(broadcast_id))
        if isinstance(gone, api.No):
            return _unable(gone)
        self.house.over(gone.id)
        return None

    async def delete(self, account: str, broadcast_id: str) -> Unable | None:
        gone = await self.house.desk.delete_recording(account, BroadcastId(broadcast_id))
        return _unable(gone) if isinstance(gone, api.No) else None

    async def show(self, account: str, broadcast_id: str, speaker: str) -> Unable | None:
        found = await self.house.standing(broadcast_id, account)
        if isinstance(found, api.No):
            return _unable(found)
        one, standing = found
        if not standing.host:
            return Unable.NOT_HOST
        return self.house.staging.show(one, account, speaker)

    async def let_type(self, account: str, broadcast_id: str) -> Unable | None:
        found = await self.house.desk.let_type(account, BroadcastId(broadcast_id))
        if isinstance(found, api.No):
            return _unable(found)
        if found.on_air:
            self.house.staging.caption(found)
        return None

    async def floor(self, account: str, broadcast_id: str) -> Floor | Unable:
        found = await self._hosted(account, broadcast_id)
        if isinstance(found, Unable):
            return found
        return await moderating.floor(self.house, found)

    async def moderate(
        self, account: str, broadcast_id: str, act: FloorAct, number: int, text: str
    ) -> Unable | None:
        found = await self._hosted(account, broadcast_id)
        if isinstance(found, Unable):
            return found
        if act is FloorAct.INVITE:
            return await moderating.invite(self.house, found, account, number)
        return moderating.moderate(self.house, found, account, act, number, text)

    async def _hosted(self, account: str, broadcast_id: str) -> values.Broadcast | Unable:
        found = await self.house.standing(broadcast_id, account)
        if isinstance(found, api.No):
            return _unable(found)
        return found[0] if found[1].host else Unable.NOT_HOST

    async def follow(self, account: str, broadcast_id: str, link: str) -> Unable | None:
        found = await self.house.standing(broadcast_id, account)
        if isinstance(found, api.No):
            return _unable(found)
        one, standing = found
        if not standing.host:
            return Unable.NOT_HOST
        schools = self.house.schools
        if schools is None:
            return Unable.NO_LINK
        if one.state in {State.ENDED, State.DELETED}:
            return Unable.GONE
        seen = self.house.staging.seen(one.id)
        own = seen.publishers > 0 or bool(seen.speaker)
        if own or (seen.opened and not schools.now(one.id)):
            return Unable.OWN_PICTURE
        return schools.follow(one, link)


def _unable(why: api.No) -> Unable:
    return refusing.UNABLE[why]
