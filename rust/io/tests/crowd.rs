//! Everything at once: people come, hear and go over UDP and TCP while rooms are filmed, strangers send rubbish, somebody takes what
//! goes up, and the engine is closed in the middle of it. What `scripts/sanitize` gives to ThreadSanitizer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use sferum_forwarder_core::api::Layer;
use sferum_forwarder_core::srtp::SrtpSession;
use sferum_forwarder_io::Route;
use sferum_forwarder_io::engine::{Called, Engine, Refused};
use sferum_forwarder_io::upward::Told;
use support::{Person, camera, check, connect, down, engine, picture, read, sessions, udp, until, write};

const ROOMS: [&str; 3] = ["one", "two", "three"];
/// Pupils who come to each room over each way, one after another.
const PUPILS: usize = 60;
/// Between the pictures of a teacher: nobody's buffer is meant to be full for long.
const PACE: Duration = Duration::from_micros(500);

/// A picture that is a keyframe, of its own time.
fn keyframe(number: u16) -> Vec<u8> {
    let mut made = picture(number, 700);
    made[4..8].copy_from_slice(&(u32::from(number) * 3_000).to_be_bytes());
    made[12..14].copy_from_slice(&[0x10, 0]);
    made
}

/// Until the call is refused because the engine is closed.
fn goes_on(called: &Called) -> bool {
    assert!(matches!(called, Ok(()) | Err(Refused::Closed)), "{called:?}");
    called.is_ok()
}

/// Films until the engine is closed; now and then the camera is muted, and tapped for a while.
fn film(engine: &Engine, mut teacher: Person, sid: &str, address: SocketAddr) {
    for number in 1u32.. {
        let sealed = teacher.seal(&keyframe(number as u16)); // which goes around
        teacher.socket.send_to(&sealed, address).expect("sent");
        let muted = number % 64 == 0;
        if number % 32 == 0 && !goes_on(&engine.mute_track(sid, muted)) {
            return;
        }
        let layers = if number % 128 < 96 { [Layer::High].as_slice() } else { &[] };
        let tapped = layers.iter().copied().collect();
        if number % 32 == 1
            && !(goes_on(&engine.add_tap(sid, tapped)) && goes_on(&engine.ask_key(sid, Layer::High)))
        {
            return;
        }
        sleep(PACE);
    }
}

/// Comes, hears one picture, changes their mind about it and goes.
fn visit_over_udp(engine: &Engine, room: &str, number: usize) {
    let name = format!("udp {room} {number}");
    let mut pupil = Person::join(engine, &name, room);
    let (spec, want) = down(&name, room, &name);
    engine.add_down(spec, want).expect("new");
    pupil.hear();
    engine.set_want(&name, want).expect("known");
    engine.set_budget(&name, 300_000).expect("known");
    if number.is_multiple_of(2) {
        engine.remove_down(&name).expect("known");
    }
    engine.remove_peer(&name).expect("known");
    engine.unbind(Route::Udp(pupil.address));
}

/// The next RTP packet that came over a connection, opened; answers of ours come between them, whole.
fn hear_over_tcp(client: &mut TcpStream, srtp: &mut SrtpSession) -> usize {
    let mut answers = 0;
    loop {
        let mut packet = read(client);
        if packet == b"an answer" {
            answers += 1;
        } else if !(192..=223).contains(&packet[1]) {
            srtp.unprotect(&mut packet).expect("authentic");
            return answers;
        }
    }
}

/// The same over a connection, which two threads write to; the pupil or we end it.
fn visit_over_tcp(engine: &Engine, room: &str, number: usize) {
    let name = format!("tcp {room} {number}");
    let (mut client, connection) = connect(engine);
    let (ours, mut theirs) = sessions();
    engine.bind(Route::Tcp(connection), &name);
    engine.set_route(&name, Some(Route::Tcp(connection)));
    engine.add_peer(&name, ours, room).expect("new");
    let (spec, want) = down(&name, room, &name);
    engine.add_down(spec, want).expect("new");
    let mut answers = 0;
    while answers == 0 {
        engine.send_tcp(connection, b"an answer");
        write(&mut client, &check("ours"));
        answers = hear_over_tcp(&mut client, &mut theirs);
    }
    match number % 3 {
        0 => engine.close_tcp(connection),
        1 => drop(client),
        _ => client.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("written"),
    }
    engine.remove_peer(&name).expect("known");
    until("it is closed", || !engine.send_tcp(connection, b"an answer"));
}

/// Rubbish, checks of known and unknown ufrags, media of nobody.
fn bother(address: SocketAddr, over: &AtomicBool) {
    let (socket, _) = udp();
    let datagrams = [check("ours"), check("theirs"), vec![0x80; 40], vec![22; 40], vec![99; 40], Vec::new()];
    while !over.load(Ordering::Relaxed) {
        for datagram in &datagrams {
            socket.send_to(datagram, address).expect("sent");
        }
        sleep(PACE);
    }
}

/// What whoever has the engine does all the time. How many datagrams, copies and connections' ends went up.
fn take(engine: &Engine, over: &AtomicBool) -> (usize, usize, usize) {
    let (mut datagrams, mut copies, mut ends) = (0, 0, 0);
    let mut turn = || {
        datagrams += engine.take_received(64).len();
        copies += engine.take_tapped(64).len();
        for told in engine.take_told() {
            match told {
                Told::Fault(_, what) => panic!("{what}"),
                Told::TcpClosed(_) => ends += 1,
                Told::Forwarder(_) => (),
            }
        }
        let (_, sent) = engine.stats();
        assert!(sent.datagrams >= sent.messages);
        assert!(engine.ignored().iter().all(|each| each.1 > 0));
    };
    while !over.load(Ordering::Relaxed) {
        turn();
        sleep(PACE);
    }
    turn();
    (datagrams, copies, ends)
}

/// Adds or removes one peer until the engine is closed; the other half does the opposite.
fn dispute(engine: &Engine, add: bool) {
    loop {
        let called = if add {
            engine.add_peer("disputed", sessions().0, "dispute")
        } else {
            engine.remove_peer("disputed")
        };
        if called == Err(Refused::Closed) {
            return;
        }
        sleep(PACE);
    }
}

#[test]
fn people_come_and_go_while_others_are_filmed_and_it_is_closed_in_the_middle() {
    let (engine, address) = engine(2, true);
    let (engine, over) = (&engine, &AtomicBool::new(false));
    engine.add_ufrag("ours");
    let (datagrams, copies, ends) = scope(|all| {
        let taking = all.spawn(|| take(engine, over));
        all.spawn(|| bother(address, over));
        all.spawn(|| dispute(engine, true));
        all.spawn(|| dispute(engine, false));
        for room in ROOMS {
            let teacher = Person::join(engine, &format!("teacher {room}"), room);
            engine.add_track(camera(room, &teacher.name)).expect("new");
            all.spawn(move || film(engine, teacher, room, address));
        }
        scope(|pupils| {
            for room in ROOMS {
                pupils.spawn(move || (0..PUPILS).for_each(|number| visit_over_udp(engine, room, number)));
                pupils.spawn(move || (0..PUPILS).for_each(|number| visit_over_tcp(engine, room, number)));
            }
        });
        let (mut client, _) = connect(engine);
        engine.close(); // teachers and strangers go on sending
        assert_eq!(client.read(&mut [0; 10]).expect("an end"), 0);
        over.store(true, Ordering::Relaxed);
        taking.join().expect("nothing was wrong")
    });
    assert!(datagrams > 0 && copies > 0);
    assert!(ends >= ROOMS.len() * (PUPILS - PUPILS.div_ceil(3)), "{ends}");
    assert!(engine.is_closed());
    assert!(engine.stats().0.packets_out >= (2 * ROOMS.len() * PUPILS) as u64);
}
