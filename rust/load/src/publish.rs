//! The publishers' thread: every burst at its time, and each stream's sender report once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::schedule::Schedule;
use crate::shared::{Phase, Shared, now_ns};
use crate::sys;

/// Microseconds between two reports of one stream, and between two looks whether a window begins.
const REPORT_US: u64 = 1_000_000;
const LOOK: Duration = Duration::from_millis(2);

/// Packets sent while measured, and how late at worst a burst was (ns).
#[derive(Default)]
pub struct Published {
    pub sent: AtomicU64,
    pub late_ns: AtomicU64,
}

pub fn run(shared: &Arc<Shared>) {
    let mut transports: Vec<_> = shared.wires.iter().map(|wire| wire.sent).collect();
    loop {
        match shared.phase() {
            Phase::Over => return,
            Phase::Quiet => sleep(LOOK),
            Phase::Warm | Phase::Measured => window(shared, &mut transports),
        }
    }
}

fn window(shared: &Shared, transports: &mut [u16]) {
    let streams: Vec<_> = shared.sources.iter().map(|source| source.lock().plan.clone()).collect();
    let mut media = Schedule::new(streams.iter().map(|plan| (plan.offset_us, plan.period_us)));
    let mut reports = Schedule::new(streams.iter().map(|plan| (plan.offset_us, REPORT_US)));
    for source in &shared.sources {
        source.lock().key_wanted.store(true, Ordering::Relaxed);
    }
    let begun = Instant::now();
    while let phase @ (Phase::Warm | Phase::Measured) = shared.phase() {
        let now_us = begun.elapsed().as_micros() as u64;
        while let Some(burst) = media.take(now_us) {
            let plan = &streams[burst.stream];
            let wire = &shared.wires[plan.wire];
            let mut packets = shared.sources[burst.stream].lock().burst(&mut transports[plan.wire], now_ns());
            let mut session = wire.session.lock();
            packets.retain_mut(|packet| session.protect(packet, 0).is_ok());
            drop(session);
            let sent = sys::send(wire.fd, &packets);
            if phase == Phase::Measured {
                shared.published.sent.fetch_add(sent as u64, Ordering::Relaxed);
                let late = (begun.elapsed().as_micros() as u64).saturating_sub(burst.at_us) * 1_000;
                shared.published.late_ns.fetch_max(late, Ordering::Relaxed);
            }
        }
        while let Some(due) = reports.take(now_us) {
            let wire = &shared.wires[streams[due.stream].wire];
            let mut report = shared.sources[due.stream].lock().report(now_ns());
            if wire.session.lock().protect_rtcp(&mut report, 0).is_ok() {
                sys::send(wire.fd, &[report]);
            }
        }
        let next = media.next_at().unwrap_or(u64::MAX).min(reports.next_at().unwrap_or(u64::MAX));
        let pause = next.saturating_sub(begun.elapsed().as_micros() as u64);
        sleep(Duration::from_micros(pause).min(LOOK));
    }
}
