//! Media over UDP through an engine, on the loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use sferum_forwarder_core::api::{BadId, Event, Id};
use sferum_forwarder_io::Route;
use sferum_forwarder_io::engine::{Engine, Refused};
use sferum_forwarder_io::upward::Told;
use support::{ROOM, camera, engine, lesson, picture, udp, until};

fn ignored(engine: &Engine, name: &str) -> u64 {
    engine.ignored().iter().find(|each| each.0 == name).map_or(0, |each| each.1)
}

/// Every pupil gets every payload, in order, under the numbers of their down track.
fn films(engine: &Engine, address: std::net::SocketAddr, room: &str) {
    let (mut teacher, mut pupils) = lesson(engine, room, 3);
    for numbers in [1..=10u16, 11..=20, 21..=30] {
        for number in numbers.clone() {
            let sealed = teacher.seal(&picture(number, 1_000));
            teacher.socket.send_to(&sealed, address).expect("sent");
        }
        for pupil in &mut pupils {
            for number in numbers.clone() {
                let packet = pupil.hear();
                assert_eq!(packet[2..4], (99 + number).to_be_bytes());
                assert_eq!(packet[12..], picture(number, 1_000)[12..]);
            }
        }
    }
}

#[test]
fn what_a_teacher_sends_comes_to_every_pupil() {
    for segments in [false, true] {
        let (engine, address) = engine(1, segments);
        films(&engine, address, ROOM);
        engine.close();
        let (_, sent) = engine.stats();
        assert!(sent.datagrams >= sent.messages);
        assert!(segments || sent.datagrams == sent.messages);
        assert_eq!(engine.stats().0.drops.iter().sum::<u64>(), 0);
    }
}

#[test]
fn rooms_on_two_threads_hand_each_other_what_came_to_the_wrong_socket() {
    let (engine, address) = engine(2, true);
    std::thread::scope(|scope| {
        for room in ["one", "two", "three", "four"] {
            let engine = &engine;
            scope.spawn(move || films(engine, address, room));
        }
    });
    assert_eq!(ignored(&engine, "queue_full"), 0);
}

#[test]
fn media_moves_with_the_route_and_stops_without_one() {
    let (engine, address) = engine(1, true);
    let (mut teacher, mut pupils) = lesson(&engine, ROOM, 1);
    let mut film = |number| {
        let sealed = teacher.seal(&picture(number, 500));
        teacher.socket.send_to(&sealed, address).expect("sent");
    };
    let pupil = &mut pupils[0];
    film(1);
    assert_eq!(pupil.hear()[2..4], [0, 100]);
    engine.set_route(&pupil.name, None);
    film(2);
    until("it was forwarded to nowhere", || engine.stats().0.packets_in >= 2);
    (pupil.socket, pupil.address) = udp();
    engine.set_route(&pupil.name, Some(Route::Udp(pupil.address)));
    film(3);
    assert_eq!(pupil.hear()[2..4], [0, 102]);
}

#[test]
fn strangers_media_and_media_before_the_keys_are_counted_and_go_nowhere() {
    let (engine, address) = engine(1, false);
    let (stranger, from) = udp();
    stranger.send_to(&[0x80; 40], address).expect("sent");
    until("a stranger was counted", || ignored(&engine, "stranger") == 1);
    engine.bind(Route::Udp(from), "PC");
    stranger.send_to(&[0x80; 40], address).expect("sent");
    until("it was too early", || ignored(&engine, "early") == 1);
    stranger.send_to(&[], address).expect("sent");
    stranger.send_to(&[99; 40], address).expect("sent");
    stranger.send_to(&[0x80; 3_000], address).expect("sent");
    for name in ["empty", "not_ours", "too_long"] {
        until(name, || ignored(&engine, name) == 1);
    }
    assert!(engine.take_received(10).is_empty());
    assert_eq!(engine.stats().0.packets_in, 0);
}

#[test]
fn checks_and_handshakes_go_up_with_their_address_and_time() {
    let (engine, address) = engine(1, true);
    let (client, from) = udp();
    let check = support::check("ours");
    client.send_to(&check, address).expect("sent");
    until("nobody knows it", || ignored(&engine, "unknown_ufrag") == 1);
    engine.add_ufrag("ours");
    client.send_to(&check, address).expect("sent");
    engine.bind(Route::Udp(from), "PC");
    client.send_to(&[22; 50], address).expect("sent");
    let mut taken = Vec::new();
    until("both are there", || {
        taken.extend(engine.take_received(10));
        taken.len() == 2
    });
    assert_eq!((taken[0].from, &taken[0].data), (Route::Udp(from), &check));
    assert_eq!(taken[1].data, [22; 50]);
    assert!(taken[0].now <= taken[1].now);
}

#[test]
fn a_flood_of_checks_is_bounded_and_drowns_nobody() {
    let (engine, address) = engine(1, true);
    engine.add_ufrag("theirs");
    engine.add_ufrag("ours");
    let (flooder, _) = udp();
    let flood = support::check("theirs");
    for _ in 0..20_000 {
        flooder.send_to(&flood, address).expect("sent");
    }
    let (client, from) = udp();
    until("ours is there among few", || {
        client.send_to(&support::check("ours"), address).expect("sent");
        let waiting = engine.take_received(usize::MAX);
        assert!(waiting.len() <= 128);
        waiting.iter().any(|each| each.from == Route::Udp(from))
    });
}

#[test]
fn calls_about_unknown_ids_are_refused_at_once_and_all_of_them_after_the_end() {
    let (engine, _) = engine(1, true);
    let bad = |id: &str| Err(Refused::Id(BadId(Id::from(id))));
    assert_eq!(engine.remove_peer("nobody"), bad("nobody"));
    assert_eq!(engine.add_track(camera("camera", "nobody")), bad("nobody"));
    assert_eq!(engine.set_budget("nobody", 1), bad("nobody"));
    let (teacher, _pupils) = lesson(&engine, ROOM, 1);
    assert_eq!(engine.add_peer(&teacher.name, support::sessions().0, ROOM), bad(&teacher.name));
    engine.mute_track("camera lesson", true).expect("known");
    engine.remove_peer(&teacher.name).expect("known");
    assert_eq!(engine.remove_down("down lesson 0"), bad("down lesson 0"));
    engine.close();
    assert_eq!(engine.remove_peer("pupil lesson 0"), Err(Refused::Closed));
    assert!(engine.take_told().iter().all(|told| !matches!(told, Told::Fault(..))));
}

#[test]
fn what_a_forwarder_says_goes_up() {
    let (engine, address) = engine(1, true);
    let (mut teacher, mut pupils) = lesson(&engine, ROOM, 1);
    let sealed = teacher.seal(&picture(1, 500));
    teacher.socket.send_to(&sealed, address).expect("sent");
    pupils[0].hear();
    let is_forwarding =
        |told: &Told| matches!(told, Told::Forwarder(Event::Forwarding { layer: Some(_), .. }));
    until("it is told", || engine.take_told().iter().any(is_forwarding));
}
