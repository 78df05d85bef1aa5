"""The last step of a packet: at once, or when the subscriber's link has room; then numbered, encrypted, handed on."""

from __future__ import annotations

from media.forwarder.api import Kind
from media.forwarder.plain.down import Down
from media.forwarder.plain.history import Sent
from media.forwarder.plain.incoming import numbered
from media.forwarder.plain.outbox import Outbox
from media.forwarder.plain.peer import Peer


def pass_or_hold(sent: Sent, down: Down, peer: Peer, outbox: Outbox, now: float) -> bool:
    """A packet that `down` made just now. Whether too much waits by now: `pass_on` follows."""
    if down.kind is Kind.AUDIO or peer.pacer.may_go(now):
        _pass(sent, down, peer, outbox, now)
        return False
    down.history.put(sent)
    peer.pacer.hold(down.spec.ssrc, sent[0], len(sent[1]) + len(sent[2]))
    return peer.pacer.is_full


def pass_on(peer: Peer, outbox: Outbox, now: float) -> None:
    """Whatever has waited for long enough. Of what was paused, muted or unpublished meanwhile nothing goes."""
    while (next_one := peer.pacer.take(now)) is not None:
        ssrc, number = next_one
        down = peer.downs[ssrc]
        sent = down.history.kept(number)
        if sent is None:
            continue
        if down.current is None:
            down.withdraw(number)
        else:
            _pass(sent, down, peer, outbox, now)


def _pass(sent: Sent, down: Down, peer: Peer, outbox: Outbox, now: float) -> None:
    number, head, body, head_size = sent
    given = None
    if down.sending is not None:
        given = down.sending.outstanding.number()
        head = head[:12] + numbered(head[12:head_size], given) + head[head_size:]
    down.history.put((number, head, body, head_size))
    datagram = peer.srtp.protect(head + body)
    if not outbox.send(peer.id, datagram):
        return
    peer.sent(given, len(datagram), now)
    if down.kind is Kind.AUDIO:
        peer.audio_bytes += len(datagram)
    else:
        peer.pictures_went(len(datagram), now)
