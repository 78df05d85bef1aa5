"""What the register and passes refuse, in the words of the pages. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from media.broadcast.desk.shown import Unable
from media.broadcast.pages.shown import Refusal
from media.broadcast.passes import NoPass
from media.broadcast.register.api import No

#: For viewers. A broadcast that was called off is one that does not exist.
REFUSAL: Mapping[No, Refusal] = {
    No.SIGNED_OUT: Refusal.SIGNED_OUT,
    No.NOT_YOURS: Refusal.OTHER_SCHOOL,
    No.NOT_FOUND: Refusal.NOT_FOUND,
    No.GONE: Refusal.NOT_FOUND,
    No.CONFLICT: Refusal.UNAVAILABLE,
    No.FULL: Refusal.UNAVAILABLE,
    No.UNAVAILABLE: Refusal.UNAVAILABLE,
}
#: For hosts.
UNABLE: Mapping[No, Unable] = {
    No.SIGNED_OUT: Unable.NOT_HOST,
    No.NOT_YOURS: Unable.NOT_HOST,
    No.NOT_FOUND: Unable.GONE,
    No.GONE: Unable.GONE,
    No.CONFLICT: Unable.GONE,
    No.FULL: Unable.BUSY,
    No.UNAVAILABLE: Unable.UNAVAILABLE,
}


def of_pass(why: NoPass) -> Refusal:
    """Never SIGNED_OUT: somebody who has an address with a bad pass is told what is wrong with it (broadcast.md A8)."""
    return Refusal.EXPIRED if why is NoPass.EXPIRED else Refusal.OTHER_SCHOOL
