//! The subscribers' thread. It polls: a sink that sleeps in epoll is woken at the sender's cost, a fifth more CPU of the
//! server on loopback (forwarder.md §5).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use sferum_forwarder_core::rtcp::{RtcpItem, parse_rtcp};
use sferum_forwarder_core::rtp::{parse_rtp, u16_at};

use crate::shared::{Phase, Shared, Wire, now_ns};
use crate::sys::Inbox;
use crate::taking::Taken;
use crate::{stamp, stun, sys};

const POLL: Duration = Duration::from_micros(700);
/// Checks of ours go on: consent (RFC 7675).
const CONSENT: Duration = Duration::from_secs(4);

pub fn run(shared: &Arc<Shared>) {
    let mut inbox = Inbox::new(shared.segmented);
    let begun = Instant::now();
    let mut checked = begun;
    while shared.phase() != Phase::Over {
        let round = Instant::now();
        for wire in &shared.wires {
            while inbox.receive(wire.fd) > 0 {
                take(shared, wire, &inbox);
                if !inbox.is_full() {
                    break;
                }
            }
            let report = wire.subscriber.lock().reports(begun.elapsed().as_secs_f64());
            if let Some(mut report) = report
                && wire.session.lock().protect_rtcp(&mut report, 0).is_ok()
            {
                sys::send(wire.fd, &[report]);
            }
        }
        if checked.elapsed() > CONSENT {
            checked = Instant::now();
            for wire in &shared.wires {
                sys::send(wire.fd, std::slice::from_ref(&wire.check));
            }
        }
        sleep(POLL.saturating_sub(round.elapsed()));
    }
}

fn take(shared: &Shared, wire: &Wire, inbox: &Inbox) {
    let is_measured = shared.phase() == Phase::Measured;
    let mut subscriber = wire.subscriber.lock();
    for (datagram, arrived_ns) in inbox.datagrams() {
        match (datagram.first(), datagram.get(1)) {
            (Some(0..=3), _) => {
                if let Some(answer) = stun::answer(datagram, &wire.pwd) {
                    sys::send(wire.fd, &[answer]);
                }
            }
            (Some(20..=63), _) => shared.seen.lock().alerts += u64::from(datagram[0] == 21), // an alert
            (Some(128..=191), Some(192..=223)) => {
                let mut packet = datagram.to_vec();
                if wire.session.lock().unprotect_rtcp(&mut packet).is_ok() {
                    for item in parse_rtcp(&packet).unwrap_or_default() {
                        hear(shared, &mut subscriber, &item);
                    }
                }
            }
            (Some(128..=191), Some(_)) => {
                let seconds = arrived_ns as f64 / 1e9;
                match subscriber.take(datagram, seconds) {
                    Some(Taken::ToOpen) if is_measured => open(shared, wire, datagram, arrived_ns),
                    Some(Taken::Repair) => {
                        if let Some(number) = original(wire, datagram) {
                            subscriber.repaired(number);
                        }
                    }
                    _ => (),
                }
            }
            _ => (),
        }
    }
}

fn open(shared: &Shared, wire: &Wire, datagram: &[u8], arrived_ns: u64) {
    let mut packet = datagram.to_vec();
    let opened = wire.session.lock().unprotect(&mut packet).is_ok();
    let stamped = parse_rtp(&packet).ok().filter(|_| opened).and_then(|read| stamp::read(read.payload));
    let mut seen = shared.seen.lock();
    match stamped {
        Some(sent_ns) => seen.late.add(arrived_ns.saturating_sub(sent_ns)),
        None => seen.unopened += 1,
    }
}

/// What a repair repairs: none where it is padding only, as LiveKit's server probes with.
fn original(wire: &Wire, datagram: &[u8]) -> Option<u16> {
    let mut packet = datagram.to_vec();
    wire.session.lock().unprotect(&mut packet).ok()?;
    u16_at(parse_rtp(&packet).ok()?.payload, 0)
}

fn hear(shared: &Shared, subscriber: &mut crate::taking::Subscriber, item: &RtcpItem) {
    match item {
        RtcpItem::SenderReport(report, _) => subscriber.hear(report, now_ns() as f64 / 1e9),
        RtcpItem::KeyframeWish(ssrc) => {
            shared.seen.lock().keyframes_asked += 1;
            for source in &shared.sources {
                let source = source.lock();
                if source.plan.ssrc == *ssrc {
                    source.key_wanted.store(true, Ordering::Relaxed);
                }
            }
        }
        RtcpItem::Nack(_, numbers) => shared.seen.lock().asked_again += numbers.len() as u64,
        _ => (),
    }
}
