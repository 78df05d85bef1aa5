//! Media over TCP (RFC 6544) through an engine: connections that were accepted elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{Read, Write};

use sferum_forwarder_io::Route;
use sferum_forwarder_io::engine::Engine;
use sferum_forwarder_io::upward::Told;
use support::{Person, ROOM, camera, connect, down, engine, picture, read, sessions, until, write};

fn closed(engine: &Engine) -> Vec<u32> {
    let told = engine.take_told().into_iter();
    let closed = told.filter_map(|told| if let Told::TcpClosed(number) = told { Some(number) } else { None });
    closed.collect()
}

#[test]
fn media_goes_both_ways_over_connections_and_between_them_and_udp() {
    let (engine, address) = engine(2, true);
    let mut clients = Vec::new();
    for name in ["over tcp one", "over tcp two"] {
        let (client, number) = connect(&engine);
        let (ours, theirs) = sessions();
        engine.bind(Route::Tcp(number), name);
        engine.set_route(name, Some(Route::Tcp(number)));
        engine.add_peer(name, ours, ROOM).expect("new");
        clients.push((client, theirs));
    }
    let mut teacher = Person::join(&engine, "teacher", ROOM);
    engine.add_track(camera("camera", "teacher")).expect("new");
    engine.add_track(camera("other", "over tcp one")).expect("new");
    for (id, track, peer) in [
        ("first", "camera", "over tcp one"),
        ("second", "camera", "over tcp two"),
        ("third", "other", "teacher"),
    ] {
        let (spec, want) = down(id, track, peer);
        engine.add_down(spec, want).expect("new");
    }
    for number in 1..=20 {
        let sealed = teacher.seal(&picture(number, 900));
        teacher.socket.send_to(&sealed, address).expect("sent");
    }
    for (client, srtp) in &mut clients {
        for number in 1..=20 {
            let mut packet = read(client);
            while (192..=223).contains(&packet[1]) {
                packet = read(client); // RTCP
            }
            srtp.unprotect(&mut packet).expect("authentic");
            assert_eq!(packet[12..], picture(number, 900)[12..]);
        }
    }
    let (client, srtp) = &mut clients[0];
    let mut sealed = picture(1, 900);
    srtp.protect(&mut sealed, 0).expect("sealed");
    write(client, &sealed);
    assert_eq!(teacher.hear()[12..], picture(1, 900)[12..]);
}

#[test]
fn checks_go_up_by_the_connection_s_number_and_answers_go_down_it() {
    let (engine, _) = engine(1, true);
    let (mut client, number) = connect(&engine);
    engine.add_ufrag("ours");
    let check = support::check("ours");
    write(&mut client, &check);
    let mut taken = Vec::new();
    until("it is there", || {
        taken.extend(engine.take_received(10));
        !taken.is_empty()
    });
    assert_eq!((taken[0].from, &taken[0].data), (Route::Tcp(number), &check));
    assert!(engine.send_tcp(number, b"an answer"));
    assert_eq!(read(&mut client), b"an answer");
}

#[test]
fn a_connection_that_ends_is_told_once_and_is_nobody_s_afterwards() {
    let (engine, _) = engine(1, true);
    let (client, number) = connect(&engine);
    drop(client);
    let mut ended = Vec::new();
    until("its end is told", || {
        ended.extend(closed(&engine));
        !ended.is_empty()
    });
    let (mut strange, other) = connect(&engine);
    strange.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("written");
    until("this one's too", || {
        ended.extend(closed(&engine));
        ended.len() > 1
    });
    assert_eq!(ended, [number, other]);
    assert_eq!(strange.read(&mut [0; 10]).unwrap_or(0), 0);
    assert!(engine.ignored().contains(&("tcp_malformed", 1)));
    assert!(!engine.send_tcp(number, b"x"));
}

#[test]
fn one_that_we_close_is_closed_for_the_client_and_not_told() {
    let (engine, _) = engine(1, true);
    let (mut client, number) = connect(&engine);
    engine.close_tcp(number);
    assert_eq!(client.read(&mut [0; 10]).expect("an end"), 0);
    assert!(!engine.send_tcp(number, b"x"));
    let (mut other, _) = connect(&engine);
    engine.close(); // which ends the others
    assert_eq!(other.read(&mut [0; 10]).expect("an end"), 0);
    assert_eq!(closed(&engine), []);
}

#[test]
fn a_client_that_does_not_read_is_sent_no_more_than_its_backlog_and_whole_frames() {
    let (engine, _) = engine(1, true);
    let (mut client, number) = connect(&engine);
    let mut sent = 0u32;
    let mut packet = [7; 1_200];
    loop {
        packet[..4].copy_from_slice(&sent.to_be_bytes());
        if !engine.send_tcp(number, &packet) {
            break;
        }
        sent += 1;
        assert!(sent < 100_000, "there is no bound");
    }
    // It reads again: everything that was taken comes, in order, and what follows too.
    for number in 0..sent {
        assert_eq!(read(&mut client)[..4], number.to_be_bytes());
    }
    until("there is room again", || engine.send_tcp(number, b"again"));
    assert_eq!(read(&mut client), b"again");
}
