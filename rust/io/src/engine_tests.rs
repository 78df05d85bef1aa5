//! Calls that meet each other, and mistakes.

use super::*;
use sferum_forwarder_core::api::{SrtpKeys, SrtpProfile};
use std::io::Read;
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::thread::{scope, sleep, yield_now};
use std::time::{Duration, Instant};

#[path = "../tests/support/mod.rs"]
mod support;

const DEADLINE: Duration = Duration::from_secs(20);

fn session() -> SrtpSession {
    let key = || (vec![1; 16], vec![1; 12]);
    let ((rx_key, rx_salt), (tx_key, tx_salt)) = (key(), key());
    let profile = SrtpProfile::AeadAes128Gcm;
    Forwarder::session(&SrtpKeys { profile, rx_key, rx_salt, tx_key, tx_salt }).expect("of the right size")
}

fn told(engine: &Engine, wanted: &Told) {
    let begun = Instant::now();
    while !engine.take_told().contains(wanted) {
        assert!(begun.elapsed() < DEADLINE, "never told");
        sleep(Duration::from_millis(1));
    }
}

fn one() -> Engine {
    Engine::new(vec![UdpSocket::bind("127.0.0.1:0").expect("a port")], true).expect("an engine")
}

#[test]
fn a_mistake_in_a_call_is_refused_and_told_and_the_next_call_is_carried_out() {
    let engine = one();
    let called = engine.call(|_| panic!("a mistake, made by a test"), |_| Ok(()));
    assert_eq!(called, Err(Refused::Mistake));
    told(&engine, &Told::Fault(1, "the engine made a mistake in a call; where, stderr says".to_owned()));
    engine.add_peer("PC", session(), "room").expect("new");
}

#[test]
fn a_thread_that_is_held_up_loses_the_oldest_and_keeps_whoever_calls_waiting() {
    let bound = || UdpSocket::bind("127.0.0.1:0").expect("a port");
    let sockets = [bound(), bound()];
    let first = sockets[0].local_addr().expect("an address");
    let engine = Engine::new(sockets.into(), true).expect("an engine");
    engine.add_peer("elsewhere", session(), "a room on the first thread").expect("new");
    engine.add_peer("PC", session(), "a room on the second thread").expect("new");
    let client = bound();
    engine.bind(Route::Udp(client.local_addr().expect("an address")), "PC");
    let (held, gate) = channel::<()>();
    engine.call(|_| Ok(1), move |_| gate.recv().map_err(|_| BadId(Id::from("gate")))).expect("queued");
    let overflowed = || engine.ignored().iter().any(|each| each.0 == "queue_full");
    let begun = Instant::now();
    while !overflowed() {
        assert!(begun.elapsed() < DEADLINE, "never full");
        client.send_to(&[0x80; 40], first).expect("sent");
    }
    let (calls, taken) = (MOST_COMMANDS as u32 + 1, AtomicU32::new(0));
    let call = |bps: u32| {
        engine.set_budget("PC", bps.into()).expect("known");
        taken.fetch_add(1, Ordering::Relaxed);
    };
    scope(|scope| {
        let calling = scope.spawn(|| (0..calls).for_each(call));
        while taken.load(Ordering::Relaxed) < calls - 1 {
            assert!(begun.elapsed() < DEADLINE, "they do not fit");
            yield_now();
        }
        assert!(!calling.is_finished());
        engine.set_route("elsewhere", None); // which is of no thread: it does not wait
        held.send(()).expect("it is held up");
        calling.join().expect("carried out");
    });
    while engine.stats().0.drops.iter().sum::<u64>() < 4_096 {
        assert!(begun.elapsed() < DEADLINE, "what was handed over and kept came nowhere");
    }
    assert!(engine.take_told().is_empty());
}

#[test]
fn a_mistake_is_told_and_the_same_forwarder_goes_on() {
    let engine = one();
    engine.add_peer("PC", session(), "room").expect("new");
    engine.call(|_| Ok(0), |_| panic!("a mistake, made by a test")).expect("queued");
    told(&engine, &Told::Fault(1, "the native forwarder made a mistake; where, stderr says".to_owned()));
    // It still knows whom it knew: a second one of that name is refused by the forwarder itself.
    engine.call(|_| Ok(0), |forwarder| forwarder.add_peer(Id::from("PC"), session())).expect("queued");
    told(
        &engine,
        &Told::Fault(2, "a forwarder knew an id that the engine did not, or the other way round".to_owned()),
    );
}

#[test]
fn nobody_s_next_call_is_judged_before_the_directory_knows_of_the_last() {
    let engine = one();
    scope(|both| {
        let held = engine.shared.directory();
        let adding = both.spawn(|| engine.add_peer("PC", session(), "room"));
        let mut refused = 0;
        while refused < 100 {
            // Whoever could see the peer now could remove it, and leave the directory with one who is gone.
            match engine.ids.try_lock() {
                Ok(ids) => assert!(ids.peer("PC").is_err()),
                Err(_) => refused += 1,
            }
            sleep(Duration::from_millis(1));
        }
        drop(held);
        adding.join().expect("no panic").expect("new");
    });
    engine.remove_peer("PC").expect("known");
}

#[test]
fn a_connection_that_comes_while_it_closes_is_closed_or_refused() {
    for _ in 0..30 {
        let engine = one();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut client = TcpStream::connect(listener.local_addr().expect("an address")).expect("connected");
        client.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        let accepted = listener.accept().expect("accepted").0;
        scope(|both| {
            let held = engine.shared.connections.read();
            both.spawn(|| engine.adopt(accepted.into()));
            while engine.connections.load(Ordering::Relaxed) == 0 {
                yield_now();
            }
            both.spawn(|| engine.close());
            while !engine.is_closed() {
                yield_now();
            }
            drop(held);
        });
        assert_eq!(client.read(&mut [0; 10]).expect("an end"), 0);
    }
}

#[test]
fn packets_of_a_picture_that_differ_by_a_byte_come_unchanged_and_of_one_size() {
    let (socket, address) = support::udp();
    let engine = Engine::new(vec![socket], true).expect("an engine");
    let (mut teacher, mut pupils) = support::lesson(&engine, support::ROOM, 1);
    let sizes = [901, 900, 901, 894, 899, 300];
    let (held, gate) = channel::<()>();
    let (begins, begun) = channel::<()>();
    let wait = move |_: &mut Forwarder| {
        begins.send(()).expect("somebody waits");
        gate.recv().map_err(|_| BadId(Id::from("gate")))
    };
    engine.call(|_| Ok(0), wait).expect("queued");
    begun.recv_timeout(DEADLINE).expect("it is held up"); // so what is sent now is taken together
    for (number, size) in (1..).zip(sizes) {
        let sealed = teacher.seal(&support::picture(number, size));
        teacher.socket.send_to(&sealed, address).expect("sent");
    }
    held.send(()).expect("it waits");
    let heard: Vec<_> = sizes.iter().map(|_| pupils[0].hear()).collect();
    for ((number, size), packet) in (1..).zip(sizes).zip(&heard) {
        let padding = if packet[0] & 0x20 == 0 { 0 } else { usize::from(packet[packet.len() - 1]) };
        assert_eq!(packet[12..packet.len() - padding], support::picture(number, size)[12..]);
    }
    let lengths: Vec<_> = heard.iter().map(Vec::len).collect();
    assert_eq!(lengths, [913, 913, 913, 913, 913, 312]);
}

fn down(number: usize, track: &str) -> (DownTrack, Want) {
    let (mut spec, want) = support::down(&format!("down {number}"), track, "pupil");
    (spec.ssrc, spec.rtx_ssrc) = (2 * number as u32 + 1, 2 * number as u32 + 2);
    (spec, want)
}

#[test]
fn many_down_tracks_are_one_call_and_those_before_a_refused_one_are_there() {
    let engine = one();
    for peer in ["teacher", "pupil"] {
        engine.add_peer(peer, session(), "lesson").expect("new");
    }
    engine.add_track(support::camera("camera", "teacher")).expect("new");
    let many = 2 * DOWNS_AT_ONCE + 3;
    engine.add_downs((0..many).map(|number| down(number, "camera")).collect()).expect("all new");
    engine.add_downs(Vec::new()).expect("nothing");
    let refused =
        engine.add_downs(vec![down(many, "camera"), down(many + 1, "nothing"), down(many + 2, "camera")]);
    assert_eq!(refused, Err(Refused::Id(BadId(Id::from("nothing")))));
    assert_eq!(engine.remove_down(&format!("down {many}")), Ok(()));
    assert!(engine.remove_down(&format!("down {}", many + 2)).is_err());
    let begun = Instant::now();
    while !engine.held().contains(&("downs", many)) {
        assert!(begun.elapsed() < DEADLINE, "never carried out");
        sleep(Duration::from_millis(1));
    }
}
