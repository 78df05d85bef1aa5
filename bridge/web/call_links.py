"""Where a call is led: the host page of the calls server (docs/flows/call.md)."""

from __future__ import annotations

from urllib.parse import quote

from bridge.roles import Account, ClassId
from bridge.web.visit import Visit


def host_page(visit: Visit, account: Account) -> str:
    """For staff: their chats, with those first in which a call is under way. "" where nothing serves it."""
    calls = visit.services.config.clients.calls
    return f"{calls}/host" if calls and account.is_staff else ""


def broadcasts_page(visit: Visit) -> str:
    """What one may watch, and may lead: for everybody of the school. "" where nothing serves it."""
    services = visit.services
    return "/broadcasts" if services.config.clients.calls and services.calls.broadcasts else ""


def led_broadcasts(visit: Visit, account: Account) -> str:
    """The same, for heads and class teachers, who may broadcast; "" for others."""
    return broadcasts_page(visit) if account.heads or account.homeroom_of else ""


async def host_page_of(visit: Visit, account: Account, class_id: ClassId) -> str:
    """Of a class's chat, for its class teacher. "" for others, who may not be in it, and before there is one."""
    page = host_page(visit, account)
    if not page or not account.leads(class_id):
        return ""
    for room in await visit.services.directory.rooms(account.org_id):
        if (room.get("kind"), room.get("ref")) == ("class", class_id) and room.get("room_id"):
            return f"{page}#room={quote(str(room['room_id']), safe='')}"
    return ""
