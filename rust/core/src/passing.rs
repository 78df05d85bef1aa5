//! The last step of a packet: at once, or when the subscriber's link has room; then numbered, encrypted, handed on.

use crate::api::Kind;
use crate::down::Down;
use crate::history::Sent;
use crate::outbox::Outbox;
use crate::peer::Peer;
use crate::table::Table;

/// A packet that `down`, whose key this is, made just now. Whether too much waits by now: `pass_on` follows.
pub fn pass_or_hold(
    sent: Sent,
    down: &mut Down,
    key: usize,
    peer: &mut Peer,
    outbox: &mut Outbox,
    now: f64,
) -> bool {
    if down.kind == Kind::Audio || peer.pacer.may_go(now) {
        pass(sent, down, peer, outbox, now);
        return false;
    }
    peer.pacer.hold(key, sent.number, down.looks.size(&sent));
    down.history.put(sent);
    peer.pacer.is_full()
}

/// Whatever has waited for long enough. Of what was paused, muted or unpublished meanwhile nothing goes.
pub fn pass_on(peer: &mut Peer, downs: &mut Table<Down>, outbox: &mut Outbox, now: f64) {
    while let Some((key, number)) = peer.pacer.take(now) {
        let Some(down) = downs.get_mut(key) else {
            continue;
        };
        let Some(sent) = down.history.take(number) else {
            continue;
        };
        if down.current.is_none() {
            down.withdrawn();
        } else {
            pass(sent, down, peer, outbox, now);
        }
    }
}

fn pass(mut sent: Sent, down: &mut Down, peer: &mut Peer, outbox: &mut Outbox, now: f64) {
    let transport = down.is_numbered().then(|| peer.sending.outstanding.number());
    sent.transport = transport.unwrap_or_default() as u16;
    sent.shape = sent.shape.padded(outbox.padding);
    let (buffer, begin) = outbox.begin();
    down.looks.write(&sent, buffer);
    let sealed = peer.srtp.protect(buffer, begin);
    down.history.put(sent);
    if sealed.is_err() {
        return;
    }
    if let Some(size) = outbox.send(&peer.id) {
        peer.sent(transport, size, now, 0);
        if down.kind == Kind::Audio {
            peer.audio_bytes += size as i64;
        } else {
            peer.pictures_went(size, now);
        }
    }
}
