//! SRTP between two ends: what was sealed is opened once, and nothing else is.

use sferum_forwarder_core::api::{Drop, SrtpKeys, SrtpProfile};
use sferum_forwarder_core::srtp::SrtpSession;

use crate::bytes::Bytes;

pub const PROFILES: [(SrtpProfile, usize, usize); 3] = [
    (SrtpProfile::Aes128CmSha1_80, 16, 14),
    (SrtpProfile::AeadAes128Gcm, 16, 12),
    (SrtpProfile::AeadAes256Gcm, 32, 12),
];

/// Ours and a client's session; `seed` stands for the handshake.
pub fn ends(profile: usize, seed: u8) -> (SrtpSession, SrtpSession) {
    let (profile, key, salt) = PROFILES[profile % PROFILES.len()];
    let piece = |size: usize, side: u8| (0..size).map(|at| at as u8 ^ seed ^ side).collect::<Vec<u8>>();
    let keys = |rx: u8, tx: u8| SrtpKeys {
        profile,
        rx_key: piece(key, rx),
        rx_salt: piece(salt, rx),
        tx_key: piece(key, tx),
        tx_salt: piece(salt, tx),
    };
    let session = |keys: &SrtpKeys| SrtpSession::new(keys).expect("keys of the right length");
    (session(&keys(0x40, 0x80)), session(&keys(0x80, 0x40)))
}

pub fn is_rtcp(packet: &[u8]) -> bool {
    packet.get(1).is_some_and(|kind| (192..=223).contains(kind))
}

/// As an end does it, in place. `false`: it cannot be sealed.
pub fn seal(end: &mut SrtpSession, packet: &mut Vec<u8>) -> bool {
    let sealed = if is_rtcp(packet) { end.protect_rtcp(packet, 0) } else { end.protect(packet, 0) };
    sealed.is_ok()
}

pub fn open(end: &mut SrtpSession, packet: &mut Vec<u8>) -> Result<(), Drop> {
    if is_rtcp(packet) { end.unprotect_rtcp(packet) } else { end.unprotect(packet) }
}

pub fn sealed(data: &[u8]) {
    let mut choices = Bytes::new(data);
    let (mut ours, mut client) = ends(choices.below(3), choices.byte());
    while !choices.is_empty() {
        let (how, place, bit) = (choices.byte(), choices.short(), choices.byte() & 7);
        let size = usize::from(choices.byte());
        let packet = choices.take(size).to_vec();
        let mut datagram = packet.clone();
        if how & 1 == 0 {
            assert!(open(&mut ours, &mut datagram).is_err(), "nobody sealed it");
            continue;
        }
        if !seal(&mut client, &mut datagram) {
            continue;
        }
        let rtcp = is_rtcp(&packet);
        if how & 2 != 0 {
            let mut damaged = datagram.clone();
            let at = usize::from(place) % damaged.len();
            damaged[at] ^= 1 << bit;
            if is_rtcp(&damaged) == rtcp {
                assert!(open(&mut ours, &mut damaged).is_err(), "a bit was turned");
            }
        }
        let mut again = datagram.clone();
        if open(&mut ours, &mut datagram).is_ok() {
            assert_eq!(datagram, packet);
            assert!(open(&mut ours, &mut again).is_err(), "it came before");
        }
    }
}
