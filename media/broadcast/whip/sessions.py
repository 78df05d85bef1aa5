"""Sessions of WHIP or WHEP on this node: which there are, and what PATCH and DELETE do to one. No I/O of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import define, evolve, field, frozen

from media.broadcast.whip.fragments import parse_fragment, write_fragment
from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.preconditions import Patch, etag_of, judge
from media.broadcast.whip.refusals import Refused, Why
from media.broadcast.whip.stage import Peers
from media.sdp.api import Local, SectionKind
from media.transport.api import IceCredentials


@frozen(kw_only=True)
class Session:
    """Attributes:

    holder: who may change it (`Admitted.holder`).
    etag: of its present ICE session.
    remote_ufrag: what the client calls itself in that.
    """

    id: SessionId
    broadcast: BroadcastId
    holder: str = field(repr=False)
    etag: str
    remote_ufrag: str
    mids: Sequence[str]
    kind: SectionKind


@frozen(kw_only=True)
class Created:
    """201."""

    session: SessionId
    etag: str
    answer: str = field(repr=False)


@frozen(kw_only=True)
class Restarted:
    """200: new ICE, with a fragment."""

    etag: str
    fragment: str = field(repr=False)


@frozen
class Trickled:
    """204."""


@define
class Sessions:
    peers: Peers
    _by_id: dict[SessionId, Session] = field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._by_id)

    def of(self, broadcast: BroadcastId) -> Iterator[Session]:
        """The oldest first."""
        return (one for one in list(self._by_id.values()) if one.broadcast == broadcast)

    def held_by(self, holder: str) -> Iterator[Session]:
        return (one for one in list(self._by_id.values()) if one.holder == holder)

    def add(self, session: Session) -> None:
        self._by_id[session.id] = session

    def pop(self, session: SessionId) -> Session | None:
        return self._by_id.pop(session, None)

    def get(self, broadcast: BroadcastId, session: str, holder: str) -> Session | None:
        """None: no such session, or somebody else's; both look the same from outside."""
        found = self._by_id.get(SessionId(session))
        theirs = found is not None and (found.broadcast, found.holder) == (broadcast, holder)
        return found if theirs else None

    def patch(
        self, session: Session, if_match: str | None, raw: bytes
    ) -> Trickled | Restarted | Refused:
        """Take candidates in, or begin ICE anew. A refusal changes nothing (RFC 9725 4.3.3)."""
        fragment = parse_fragment(raw)
        if isinstance(fragment, Refused):
            return fragment
        asked = judge(if_match, fragment, session.etag, session.remote_ufrag)
        if isinstance(asked, Refused):
            return asked
        if asked is Patch.TRICKLE:
            return Trickled()  # the client comes to us: its addresses are not needed
        local = self.peers.restart(session.id, IceCredentials(fragment.ufrag, fragment.pwd))
        if local is None:
            return Refused(Why.NO_SESSION)
        self._by_id[session.id] = evolve(session, etag=etag_of(local), remote_ufrag=fragment.ufrag)
        return Restarted(
            etag=etag_of(local), fragment=write_fragment(local, session.mids, session.kind)
        )


def session_of(
    id_: SessionId,
    broadcast: BroadcastId,
    holder: str,
    local: Local,
    *,
    remote_ufrag: str,
    mids: Sequence[str],
    kind: SectionKind,
) -> Session:
    """A new one, whose ICE is its first."""
    return Session(
        id=id_,
        broadcast=broadcast,
        holder=holder,
        etag=etag_of(local),
        remote_ufrag=remote_ufrag,
        mids=mids,
        kind=kind,
    )
