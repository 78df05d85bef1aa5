//! A lesson on real sockets: a teacher's camera, pupils who get it, and an engine between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(dead_code)] // each test file uses a part of it

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use sferum_forwarder_core::api::{
    Codec, DownTrack, Extensions, Id, Kind, Layer, SrtpKeys, SrtpProfile, TrackIn, Want,
};
use sferum_forwarder_core::forwarder::Forwarder;
use sferum_forwarder_core::srtp::SrtpSession;
use sferum_forwarder_io::Route;
use sferum_forwarder_io::engine::Engine;

pub const ROOM: &str = "lesson";
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for a fact.
pub fn until(what: &str, mut fact: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !fact() {
        assert!(begun.elapsed() < DEADLINE, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn keys(rx: u8, tx: u8) -> SrtpKeys {
    SrtpKeys {
        profile: SrtpProfile::AeadAes128Gcm,
        rx_key: vec![rx; 16],
        rx_salt: vec![rx; 12],
        tx_key: vec![tx; 16],
        tx_salt: vec![tx; 12],
    }
}

/// Both ends of a peer's SRTP: the engine's, and the peer's.
pub fn sessions() -> (SrtpSession, SrtpSession) {
    let made = |rx, tx| Forwarder::session(&keys(rx, tx)).expect("keys of the right size");
    (made(1, 2), made(2, 1))
}

pub fn udp() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let address = socket.local_addr().expect("an address");
    (socket, address)
}

/// A client's end, and the number that the engine gave to the other one.
pub fn connect(engine: &Engine) -> (TcpStream, u32) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("connected");
    client.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let accepted = listener.accept().expect("accepted").0;
    (client, engine.adopt(accepted.into()).expect("adopted"))
}

pub fn write(client: &mut TcpStream, packet: &[u8]) {
    let framed = [&(packet.len() as u16).to_be_bytes()[..], packet].concat();
    client.write_all(&framed).expect("written");
}

pub fn read(client: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 2];
    client.read_exact(&mut head).expect("a frame in time");
    let mut packet = vec![0; usize::from(u16::from_be_bytes(head))];
    client.read_exact(&mut packet).expect("the rest of it");
    packet
}

pub fn camera(sid: &str, peer: &str) -> TrackIn {
    TrackIn {
        sid: Id::from(sid),
        peer: Id::from(peer),
        kind: Kind::Video,
        mid: "0".to_owned(),
        payload_types: vec![(96, Codec::Vp8)],
        clock_rate: 90_000,
        rtx: Vec::new(),
        ssrcs: vec![(1_000, Layer::High)],
        rids: Vec::new(),
        extensions: Extensions::default(),
        group: Id::from(""),
    }
}

pub fn down(id: &str, track: &str, peer: &str) -> (DownTrack, Want) {
    let spec = DownTrack {
        id: Id::from(id),
        track: Id::from(track),
        peer: Id::from(peer),
        mid: "1".to_owned(),
        ssrc: 5_000,
        rtx_ssrc: 0,
        payload_types: vec![(Codec::Vp8, (96, 0))],
        extensions: Extensions::default(),
        cname: "node".to_owned(),
        first_sequence: 100,
        first_timestamp: 0,
        first_picture_id: 0,
    };
    (spec, Want { layer: Layer::High, temporal: 3, paused: false })
}

/// Packet `number` of VP8; the first begins a keyframe. `size`: bytes of its payload.
pub fn picture(number: u16, size: usize) -> Vec<u8> {
    let mut made = vec![0x80, 96];
    made.extend_from_slice(&number.to_be_bytes());
    made.extend_from_slice(&3_000u32.to_be_bytes());
    made.extend_from_slice(&1_000u32.to_be_bytes());
    let start: &[u8] = if number == 1 { &[0x10, 0] } else { &[0, 1] }; // S, and a keyframe's first byte
    made.extend_from_slice(start);
    made.resize(12 + size, number as u8);
    made
}

/// Somebody with a socket and SRTP.
pub struct Person {
    pub name: String,
    pub socket: UdpSocket,
    pub address: SocketAddr,
    pub srtp: SrtpSession,
}

impl Person {
    /// Known to the engine, and bound to their address.
    pub fn join(engine: &Engine, name: &str, room: &str) -> Self {
        let (socket, address) = udp();
        let (ours, theirs) = sessions();
        engine.bind(Route::Udp(address), name);
        engine.set_route(name, Some(Route::Udp(address)));
        engine.add_peer(name, ours, room).expect("new");
        Self { name: name.to_owned(), socket, address, srtp: theirs }
    }

    pub fn seal(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut sealed = packet.to_vec();
        self.srtp.protect(&mut sealed, 0).expect("sealed");
        sealed
    }

    /// The next RTP packet that came, opened.
    pub fn hear(&mut self) -> Vec<u8> {
        let mut buffer = [0; 2_048];
        loop {
            let size = self.socket.recv(&mut buffer).expect("a datagram in time");
            let mut packet = buffer[..size].to_vec();
            if !(192..=223).contains(&packet[1]) {
                self.srtp.unprotect(&mut packet).expect("authentic");
                return packet;
            }
        }
    }
}

/// A teacher with a camera and so many pupils who get it.
pub fn lesson(engine: &Engine, room: &str, pupils: usize) -> (Person, Vec<Person>) {
    let teacher = Person::join(engine, &format!("teacher {room}"), room);
    let sid = format!("camera {room}");
    engine.add_track(camera(&sid, &teacher.name)).expect("new");
    let join = |number: usize| {
        let pupil = Person::join(engine, &format!("pupil {room} {number}"), room);
        let (spec, want) = down(&format!("down {room} {number}"), &sid, &pupil.name);
        engine.add_down(spec, want).expect("new");
        pupil
    };
    (teacher, (0..pupils).map(join).collect())
}

/// An engine with `threads` sockets of one port.
pub fn engine(threads: usize, segments: bool) -> (Engine, SocketAddr) {
    let (first, address) = reuseport::socket(None);
    let mut sockets = vec![first];
    sockets.extend((1..threads).map(|_| reuseport::socket(Some(address)).0));
    (Engine::new(sockets, segments).expect("an engine"), address)
}

mod reuseport {
    use super::*;
    use std::os::fd::FromRawFd;

    /// SO_REUSEPORT must be set before bind, which std cannot.
    #[allow(unsafe_code)]
    pub fn socket(at: Option<SocketAddr>) -> (UdpSocket, SocketAddr) {
        let port = at.map_or(0, |at| at.port());
        let on: libc::c_int = 1;
        let name = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: port.to_be(),
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
            sin_zero: [0; 8],
        };
        // SAFETY: the option and the address live here and have the sizes said.
        let socket = unsafe {
            let fd = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
            assert!(fd >= 0);
            let size = size_of::<libc::c_int>() as u32;
            let option = (&raw const on).cast();
            assert_eq!(libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_REUSEPORT, option, size), 0);
            let size = size_of::<libc::sockaddr_in>() as u32;
            assert_eq!(libc::bind(fd, (&raw const name).cast(), size), 0);
            UdpSocket::from_raw_fd(fd)
        };
        let address = socket.local_addr().expect("an address");
        (socket, address)
    }
}

/// A binding request that names `ufrag`.
pub fn check(ufrag: &str) -> Vec<u8> {
    let name = format!("{ufrag}:them");
    let mut attributes = vec![0, 6, 0, name.len() as u8];
    attributes.extend_from_slice(name.as_bytes());
    attributes.resize(attributes.len().next_multiple_of(4), 0);
    let mut made = vec![0, 1, 0, attributes.len() as u8, 0x21, 0x12, 0xA4, 0x42];
    made.extend_from_slice(&[7; 12]);
    made.extend_from_slice(&attributes);
    made
}
