"""The use cases of a class in the middle of the year: asked of the directory in somebody's name (R36, R40).

What has been done already, by a form that came twice, is done.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from datetime import date

from bridge.class_change import ClassRefusal
from bridge.ports_directory import DirectoryRefused
from bridge.roles import Account, ClassId, PersonId
from bridge.services import Services

logger = logging.getLogger(__name__)

#: The module's codes → ours.
REFUSALS = {
    "SFERUM_NAME_TAKEN": ClassRefusal.NAME_TAKEN,
    "SFERUM_NOT_IN_CLASS": ClassRefusal.NOT_IN_CLASS,
    "SFERUM_IS_TEACHER": ClassRefusal.IS_TEACHER,
    "M_NOT_FOUND": ClassRefusal.CHANGED,
}


async def split_class(
    by: Account, class_id: ClassId, name: str, going: Sequence[PersonId], *, services: Services
) -> ClassRefusal | None:
    """Some pupils become a class of their own; parents follow."""
    return await _asked(
        "split",
        by,
        class_id,
        services.directory.split_class(by.org_id, class_id, name, going, by.user_id),
    )


async def merge_classes(
    by: Account, class_ids: Sequence[ClassId], name: str, *, services: Services
) -> ClassRefusal | None:
    """Several classes become one; their chats can be read from then on."""
    return await _asked(
        "merge",
        by,
        ",".join(class_ids),
        services.directory.merge_classes(by.org_id, class_ids, name, by.user_id),
    )


async def set_substitute(
    by: Account, class_id: ClassId, person_id: PersonId, until: date | None, *, services: Services
) -> ClassRefusal | None:
    """Somebody beside the class teacher until a day; None ends it."""
    return await _asked(
        "substitute",
        by,
        class_id,
        services.directory.set_substitute(by.org_id, class_id, person_id, until, by.user_id),
    )


async def class_of_name(by: Account, name: str, *, services: Services) -> ClassId | None:
    """The class of the year with this name."""
    for one in await services.directory.classes(by.org_id):
        if one.name == name:
            return one.class_id
    return None


async def split_before(
    by: Account, name: str, going: Sequence[PersonId], *, services: Services
) -> ClassId | None:
    """The class that this very form has made already: of this name, with all of these and nobody else."""
    class_id = await class_of_name(by, name, services=services)
    roll = None if class_id is None else await services.directory.roll(by.org_id, class_id)
    if roll is None or not going:
        return None
    return class_id if {one.person.person_id for one in roll.students} == set(going) else None


async def _asked(
    what: str, by: Account, about: str, change: Awaitable[None]
) -> ClassRefusal | None:
    try:
        await change
    except DirectoryRefused as refused:
        why = REFUSALS.get(refused.errcode, ClassRefusal.REFUSED)
        logger.warning(
            "class not changed what=%s by=%s class=%s why=%s", what, by.user_id, about, why.value
        )
        return why
    logger.info("class changed what=%s by=%s class=%s", what, by.user_id, about)
    return None
