"""Who asks for themselves, or for whom the bridge asks."""

from __future__ import annotations

from synapse_sferum.api.call import BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.edits import not_found
from synapse_sferum.model import Org, OrgId
from synapse_sferum.policy import Party


async def viewer(services: Services, call: Call) -> tuple[Org, Party]:
    """The school of the path, and an active account of it; what it may is judged as if it had asked itself.

    Raises:
        EditRefused: 404, nobody of this school.
        BadField: the service has named nobody: `X-Sferum-Actor` of a change, `user_id` of a question.
    """
    if call.account is not None:
        user_id = str(call.account.user_id)
    else:
        user_id = call.on_behalf_of or call.query.get("user_id", "")
        if not user_id or len(user_id) > 255:
            raise BadField("user_id", "must name the person who asks")
    who = await services.parties.one(user_id)
    if who.account is None or who.account.org_id != call.org_id:
        raise not_found()
    return await services.directory.org(OrgId(call.org_id)), who
