//! Load for a calls server whose handshakes are done: `bench/load` starts this program with the sockets open and writes
//! a plan and commands to its standard input (`plan.rs`); each command is answered with a line of JSON.

mod cpu;
mod floor;
mod histogram;
mod plan;
mod publish;
mod receive;
mod schedule;
mod shared;
mod source;
mod stamp;
mod stun;
mod sys;
mod taking;

use std::io::{BufRead, Write, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use sferum_forwarder_core::srtp::SrtpSession;

use crate::plan::{Line, StreamPlan, WirePlan};
use crate::shared::{Held, Phase, Seen, Shared, Wire};
use crate::source::Source;
use crate::taking::Subscriber;

/// Bytes of each socket's buffers.
const BUFFER: i32 = 4 << 20;
/// Of the environment: subscribers take segments together, as behind a network card that takes them apart.
const SEGMENTED: &str = "SFERUM_LOAD_SEGMENTED";
/// After a window: what is under way still comes.
const SETTLE: Duration = Duration::from_millis(100);

fn main() -> Result<(), String> {
    let mut load = Load::default();
    for line in stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        // Lines hold keys: the word that is wrong is named, not the line.
        let line = plan::parse(&line).map_err(|plan::BadLine(word)| format!("bad word: {word}"))?;
        if let Some(answer) = load.obey(line)? {
            let mut out = stdout().lock();
            writeln!(out, "{answer}").and_then(|()| out.flush()).map_err(|error| error.to_string())?;
        }
    }
    load.end();
    Ok(())
}

#[derive(Default)]
struct Load {
    place: Option<(usize, i32)>,
    wires: Vec<WirePlan>,
    streams: Vec<StreamPlan>,
    running: Option<(Arc<Shared>, Vec<JoinHandle<()>>)>,
}

impl Load {
    fn obey(&mut self, line: Line) -> Result<Option<String>, String> {
        match line {
            Line::Place { cpu, priority } => self.place = Some((cpu, priority)),
            Line::Wire(wire) => self.wires.push(wire),
            Line::Stream(stream) if stream.wire < self.wires.len() && stream.packets > 0 => {
                self.streams.push(stream);
            }
            Line::Stream(_) => return Err("bad word: wire".to_owned()),
            Line::Window { warm, seconds, pids } => return self.window(warm, seconds, &pids).map(Some),
            Line::Floor { size, packets } => {
                let ns = floor::send_ns(size, packets).map_err(|error| error.to_string())?;
                return Ok(Some(format!("{{\"send_us\": {:.3}}}", ns / 1e3)));
            }
        }
        Ok(None)
    }

    /// The threads begin with the first window.
    fn shared(&mut self) -> Result<Arc<Shared>, String> {
        if let Some((shared, _)) = &self.running {
            return Ok(Arc::clone(shared));
        }
        let segmented = std::env::var_os(SEGMENTED).is_some();
        let mut wires = Vec::new();
        for (number, plan) in std::mem::take(&mut self.wires).into_iter().enumerate() {
            sys::prepare(plan.fd, BUFFER, segmented);
            let session = SrtpSession::new(&plan.keys).map_err(|_| "bad word: keys".to_owned())?;
            wires.push(Wire {
                fd: plan.fd,
                check: plan.check,
                pwd: plan.pwd,
                sent: plan.sent,
                session: Held::new(session),
                subscriber: Held::new(Subscriber::new(plan.transport_cc, plan.rtx, number)),
            });
        }
        let sources = std::mem::take(&mut self.streams).into_iter().map(|plan| Held::new(Source::new(plan)));
        let shared = Arc::new(Shared::new(wires, sources.collect(), segmented));
        let place = self.place;
        // A publisher's burst does not wait for a round of the subscribers.
        let threads = [(publish::run as fn(&Arc<Shared>), 1), (receive::run, 0)].map(|(run, above)| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let granted =
                    place.is_none_or(|(cpu, priority)| sys::pin(cpu) & sys::real_time(priority + above));
                if !granted {
                    shared.seen.lock().unplaced = true;
                }
                run(&shared);
            })
        });
        self.running = Some((Arc::clone(&shared), threads.into()));
        Ok(shared)
    }

    fn window(&mut self, warm: f64, seconds: f64, pids: &[u32]) -> Result<String, String> {
        let shared = self.shared()?;
        shared.set_phase(Phase::Warm);
        sleep(Duration::from_secs_f64(warm));
        shared.counts();
        let unplaced = shared.seen.lock().unplaced;
        *shared.seen.lock() = Seen { unplaced, ..Seen::default() };
        shared.published.sent.store(0, Ordering::Relaxed);
        shared.published.late_ns.store(0, Ordering::Relaxed);
        let (before, begun) = (cpu::of(pids), Instant::now());
        shared.set_phase(Phase::Measured);
        sleep(Duration::from_secs_f64(seconds));
        let counts = shared.counts();
        let (cpu_ns, took) = (cpu::of(pids) - before, begun.elapsed());
        shared.set_phase(Phase::Quiet);
        sleep(SETTLE);
        let seen = shared.seen.lock();
        let late = |share: f64| seen.late.quantile_ms(share);
        Ok(format!(
            "{{\"seconds\": {:.3}, \"sent\": {}, \"received\": {}, \"bytes\": {}, \"lost\": {}, \
             \"lost_on_purpose\": {}, \"repaired\": {}, \"streams\": {}, \"stamped\": {}, \"unopened\": {}, \
             \"p50_ms\": {:.3}, \"p99_ms\": {:.3}, \"p999_ms\": {:.3}, \"keyframes_asked\": {}, \
             \"asked_again\": {}, \"alerts\": {}, \"latest_burst_ms\": {:.3}, \"server_cpu_s\": {:.6}, \
             \"real_time\": {}}}",
            took.as_secs_f64(),
            shared.published.sent.load(Ordering::Relaxed),
            counts.received,
            counts.bytes,
            counts.lost,
            counts.lost_on_purpose,
            counts.repaired,
            counts.streams,
            seen.late.total(),
            seen.unopened,
            late(0.5),
            late(0.99),
            late(0.999),
            seen.keyframes_asked,
            seen.asked_again,
            seen.alerts,
            shared.published.late_ns.load(Ordering::Relaxed) as f64 / 1e6,
            cpu_ns as f64 / 1e9,
            self.place.is_some() && !seen.unplaced,
        ))
    }

    fn end(self) {
        if let Some((shared, threads)) = self.running {
            shared.set_phase(Phase::Over);
            threads.into_iter().for_each(|thread| drop(thread.join()));
        }
    }
}
