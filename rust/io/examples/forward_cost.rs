//! CPU of one forwarded packet in a media thread, by that of one plain UDP send in the same run; one JSON line.
//!
//! A camera whose pictures are six packets of 1,100 bytes, AES-128-GCM, to a hundred pupils. The same kind of sockets gets both: on the
//! loopback, with a buffer that is full (but for one pupil, who sets the pace). `K`: `sendto`, by the thread's own clock.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use sferum_forwarder_io::engine::Engine;
use support::{Person, ROOM, camera, down, engine, picture, udp};

const PUPILS: usize = 100;
const PACKETS: u16 = 6;
const WINDOWS: usize = 5;
const PICTURES: usize = 150;
/// Bytes of an RTP packet before encryption, without the header's twelve.
const PAYLOAD: usize = 1_088;

/// Nanoseconds of CPU that the threads of this name have had.
fn cpu_ns(name: &str) -> u64 {
    let tasks = fs::read_dir("/proc/self/task").expect("this process").flatten();
    let of =
        tasks.filter(|task| fs::read_to_string(task.path().join("comm")).unwrap_or_default().trim() == name);
    of.map(|task| {
        let spent = fs::read_to_string(task.path().join("schedstat")).expect("of a thread");
        spent.split(' ').next().and_then(|first| first.parse::<u64>().ok()).expect("nanoseconds")
    })
    .sum()
}

struct Lesson {
    engine: Engine,
    address: SocketAddr,
    teacher: Person,
    pupils: Vec<Person>,
    number: u16,
    costs: Vec<f64>, // µs of each window
}

impl Lesson {
    fn new(segments: bool) -> Self {
        let (engine, address) = engine(1, segments);
        let teacher = Person::join(&engine, "teacher", ROOM);
        engine.add_track(camera("camera", "teacher")).expect("new");
        let join = |number: usize| {
            let pupil = Person::join(&engine, &format!("pupil {number}"), ROOM);
            let (spec, want) = down(&format!("down {number}"), "camera", &pupil.name);
            engine.add_down(spec, want).expect("new");
            pupil
        };
        let pupils = (0..PUPILS).map(join).collect();
        Self { engine, address, teacher, pupils, number: 0, costs: Vec::new() }
    }

    /// One picture, and the next when the first pupil has it.
    fn film(&mut self, pictures: usize) {
        for _ in 0..pictures {
            for _ in 0..PACKETS {
                self.number += 1;
                let mut packet = picture(self.number, PAYLOAD);
                let timestamp = u32::from((self.number - 1) / PACKETS) * 3_000;
                packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
                let sealed = self.teacher.seal(&packet);
                self.teacher.socket.send_to(&sealed, self.address).expect("sent");
            }
            for _ in 0..PACKETS {
                self.pupils[0].hear();
            }
        }
        std::thread::sleep(Duration::from_millis(60)); // the counters are some milliseconds old
    }

    fn window(&mut self) {
        let (before, name) = (self.engine.stats().0.packets_out, "media-0");
        let spent = cpu_ns(name);
        self.film(PICTURES);
        let (spent, sent) = (cpu_ns(name) - spent, self.engine.stats().0.packets_out - before);
        self.costs.push(spent as f64 / sent as f64 / 1e3);
    }
}

/// µs of one `sendto`, to as many sockets in turn.
fn send_us(socket: &UdpSocket, sinks: &[(UdpSocket, SocketAddr)]) -> f64 {
    let data = [0; PAYLOAD + 12 + 16];
    std::thread::scope(|scope| {
        let sending = std::thread::Builder::new().name("bare".to_owned()).spawn_scoped(scope, || {
            let rounds = PICTURES * usize::from(PACKETS) / 4;
            for _ in 0..rounds {
                for (_, to) in sinks {
                    socket.send_to(&data, to).expect("sent");
                }
            }
            cpu_ns("bare") as f64 / (rounds * sinks.len()) as f64 / 1e3
        });
        sending.expect("a thread").join().expect("measured")
    })
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn main() {
    let sinks: Vec<_> = (0..PUPILS).map(|_| udp()).collect();
    let bare = udp().0;
    // One at a time: threads of one name are counted together.
    let mut bares = Vec::new();
    let mut costs = [Vec::new(), Vec::new()];
    let mut joined = 0.0;
    send_us(&bare, &sinks); // which fills their buffers
    for _ in 0..WINDOWS {
        bares.push(send_us(&bare, &sinks));
        for (place, segments) in [false, true].into_iter().enumerate() {
            let mut lesson = Lesson::new(segments);
            lesson.film(20);
            lesson.window();
            costs[place].extend(lesson.costs);
            let sent = lesson.engine.stats().1;
            joined = sent.datagrams as f64 / sent.messages as f64;
        }
    }
    let over = |costs: &[f64]| {
        let ratios: Vec<_> = costs.iter().zip(&bares).map(|(cost, bare)| cost / bare).collect();
        median(&ratios)
    };
    println!(
        "{{\"K_us\": {:.2}, \"fwd_us_nogso\": {:.2}, \"fwd_us_gso6\": {:.2}, \"fwd_cpu_over_K_gcm_nogso\": {:.2}, \
         \"fwd_cpu_over_K_gso6\": {:.2}, \"datagrams_a_message\": {joined:.1}}}",
        median(&bares),
        median(&costs[0]),
        median(&costs[1]),
        over(&costs[0]),
        over(&costs[1]),
    );
}
