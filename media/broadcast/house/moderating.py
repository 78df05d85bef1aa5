"""What hosts do with hands and questions: show one to all, invite somebody into the call. Who leads is known here.

Into the call comes whoever is in its chat, and nobody else: a call is a call of a room, its picture and sound are its
members', and a broadcast opens no door into a class (R2, R27). So the module is asked about that room when a host
invites, and again by the calls server when the invited enters; muted or not is its rule too (R43). A broadcast for the
whole school, or one that shows a camera or OBS, has no call that anybody could come into.
"""

from __future__ import annotations

import logging

from media.broadcast.desk.leading import FloorAct
from media.broadcast.desk.shown import Floor, HandUp, Question, Unable
from media.broadcast.house.house import BroadcastHouse, Running
from media.broadcast.house.talk import PACES
from media.broadcast.pages.asking import BadAsking, question_of
from media.broadcast.pages.shown import Said
from media.broadcast.register.values import Broadcast

logger = logging.getLogger(__name__)

#: Hands and questions of one page; the next ones come when these are done.
MOST = 20
_TO_ALL = frozenset({FloorAct.SHOW, FloorAct.SAY})


async def floor(house: BroadcastHouse, one: Broadcast) -> Floor:
    """As the page shows it."""
    running = house.running(one.id)
    if running is None:
        return Floor(broadcast=house.shown(one))
    hands, questions = running.hands.first(MOST), running.talk.waiting(MOST)
    accounts = {viewer for _, viewer in hands} | {each.viewer for each in questions}
    names = await house.staging.names(accounts)
    now = house.clock()
    return Floor(
        broadcast=house.shown(one),
        hands=tuple(
            HandUp(
                number=number,
                name=names.get(viewer, "?"),
                invited=running.hands.is_invited(viewer, now),
            )
            for number, viewer in hands
        ),
        all_hands=len(running.hands),
        questions=tuple(
            Question(number=each.number, name=names.get(each.viewer, "?"), text=each.text)
            for each in questions
        ),
        all_questions=len(running.talk),
        newest=running.hands.newest + running.talk.newest,
        said=running.talk.said[::-1],
        slow_s=running.talk.slow_s,
        paces=PACES,
        calls=house.staging.calls(one) and bool(house.call_page(one.audience.room_id)),
    )


def moderate(
    house: BroadcastHouse, one: Broadcast, account: str, act: FloorAct, number: int, text: str
) -> Unable | None:
    """All but an invitation."""
    running = house.running(one.id)
    if running is None:
        return Unable.GONE
    if act in _TO_ALL and not house.staging.takes_lines(one.id):
        return Unable.UNAVAILABLE  # the question stays where it is
    done = _moderated(house, one, running, act, number, text)
    if done is None:
        logger.info("a host moderates broadcast=%s by=%s act=%s", one.id, account, act.value)
        house.floor_changed(one.id)
    return done


def _moderated(
    house: BroadcastHouse, one: Broadcast, running: Running, act: FloorAct, number: int, text: str
) -> Unable | None:
    match act:
        case FloorAct.SHOW:
            return _posted(house, one, running.talk.show(number))
        case FloorAct.SAY:
            said = question_of({"text": text})
            if isinstance(said, BadAsking):
                return Unable.EMPTY_LINE
            return _posted(house, one, running.talk.say(said.text))
        case FloorAct.TAKE_BACK:
            gone = running.talk.take_back(number)
            return _posted(house, one, Said(number, "") if gone else None)
        case FloorAct.PUT_AWAY:
            return None if running.talk.put_away(number) else Unable.HAND_DOWN
        case FloorAct.SLOW:
            if number not in PACES:
                return Unable.GONE
            running.talk.slow_s = number
            return None
        case FloorAct.LOWER:
            return _lowered(house, one, running, number)
        case FloorAct.INVITE:
            raise ValueError("an invitation asks the module")


async def invite(house: BroadcastHouse, one: Broadcast, account: str, number: int) -> Unable | None:
    """The link into the call shows on the page of whoever raised this hand."""
    running = house.running(one.id)
    viewer = None if running is None else running.hands.of(number)
    if running is None or viewer is None:
        return Unable.HAND_DOWN
    room_id = one.audience.room_id
    if not house.staging.calls(one) or not house.call_page(room_id):
        return Unable.NOT_CALLING
    may = await house.may_call(viewer, room_id)
    if may is None:
        return Unable.UNAVAILABLE
    if not may:
        return Unable.NOT_IN_ROOM
    running.hands.invite(viewer, house.clock())
    house.counted["invited"] += 1
    logger.info("a viewer is invited into the call broadcast=%s by=%s", one.id, account)
    return None


def _posted(house: BroadcastHouse, one: Broadcast, said: Said | None) -> Unable | None:
    if said is None:
        return Unable.HAND_DOWN
    house.counted["shown_to_all"] += bool(said.text)
    house.staging.post(one.id, said)
    return None


def _lowered(house: BroadcastHouse, one: Broadcast, running: Running, number: int) -> Unable | None:
    viewer = running.hands.of(number)
    if viewer is None:
        return Unable.HAND_DOWN
    running.hands.set(viewer, False)
    house.tell.hand(viewer, one.id, False)
    return None
