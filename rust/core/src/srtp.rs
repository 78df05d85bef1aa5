//! SRTP and SRTCP of one peer (RFC 3711, RFC 7714), with the windows and the order of checks of libsrtp.

use crate::api::{Drop, SrtpKeys, SrtpProfile};
use crate::replay::{RtcpReplay, RtpIndex, RtpReplay};
use crate::rtp::{MAX_PACKET, u16_at, u32_at};
use crate::srtp_keys::{Cipher, Refused, Use};
use crate::table::NumberMap;

/// Longer datagrams are nobody's RTP.
pub const LONGEST: usize = 1_500;

struct Direction {
    rtp: Cipher,
    rtcp: Cipher,
}

impl Direction {
    fn new(profile: SrtpProfile, key: &[u8], salt: &[u8]) -> Result<Self, Refused> {
        Ok(Self {
            rtp: Cipher::new(profile, key, salt, Use::Rtp)?,
            rtcp: Cipher::new(profile, key, salt, Use::Rtcp)?,
        })
    }
}

/// What is known of one SSRC that is received.
#[derive(Default)]
struct Received {
    rtp: RtpReplay,
    rtcp: RtcpReplay,
}

/// And of one that is sent: the last indices.
#[derive(Default)]
struct Sent {
    rtp: RtpIndex,
    rtcp: u32,
}

/// Both directions of a peer.
pub struct SrtpSession {
    rx: Direction,
    tx: Direction,
    received: NumberMap<u32, Received>,
    sent: NumberMap<u32, Sent>,
}

impl SrtpSession {
    /// `Err`: a key is shorter than its profile wants.
    pub fn new(keys: &SrtpKeys) -> Result<Self, Refused> {
        Ok(Self {
            rx: Direction::new(keys.profile, &keys.rx_key, &keys.rx_salt)?,
            tx: Direction::new(keys.profile, &keys.tx_key, &keys.tx_salt)?,
            received: NumberMap::default(),
            sent: NumberMap::default(),
        })
    }

    /// Decrypts in place; a datagram that is refused is in no defined state afterwards.
    pub fn unprotect(&mut self, packet: &mut Vec<u8>) -> Result<(), Drop> {
        if packet.len() > LONGEST {
            return Err(Drop::NotRtp);
        }
        let clear = header_size(packet).ok_or(Drop::NotRtp)?;
        let sequence = u16_at(packet, 2).ok_or(Drop::NotRtp)?;
        let ssrc = u32_at(packet, 8).ok_or(Drop::NotRtp)?;
        let known = self.received.get(&ssrc);
        let index = known.map_or(u64::from(sequence), |known| known.rtp.guess(sequence));
        if let Some(known) = known {
            known.rtp.check(index).map_err(|_| Drop::Replayed)?;
        }
        if packet.len() < clear + self.rx.rtp.tag() {
            return Err(Drop::NotRtp);
        }
        let opened = self.rx.rtp.open_rtp(packet, clear, ssrc, index);
        opened.map_err(|_| Drop::Forged)?;
        self.received.entry(ssrc).or_default().rtp.add(index);
        Ok(())
    }

    pub fn unprotect_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), Drop> {
        if packet.len() > LONGEST {
            return Err(Drop::NotRtp);
        }
        let cipher = &self.rx.rtcp;
        let is_gcm = matches!(cipher, Cipher::Gcm { .. });
        // GCM's trailer stands at the very end (RFC 7714 9), SHA-1's tag after it (RFC 3711 3.4).
        let behind = if is_gcm { 4 } else { 4 + cipher.tag() };
        if packet.len() < 8 + 4 + cipher.tag() {
            return Err(Drop::RtcpMalformed);
        }
        let trailer = u32_at(packet, packet.len() - behind).ok_or(Drop::RtcpMalformed)?;
        let ssrc = u32_at(packet, 4).ok_or(Drop::RtcpMalformed)?;
        if !is_gcm && trailer & 0x8000_0000 == 0 {
            return Err(Drop::RtcpMalformed);
        }
        let index = trailer & 0x7FFF_FFFF;
        if let Some(known) = self.received.get(&ssrc) {
            known.rtcp.check(index)?;
        }
        let opened = cipher.open_rtcp(packet, ssrc, trailer);
        opened.map_err(|_| Drop::Forged)?;
        self.received.entry(ssrc).or_default().rtcp.add(index);
        Ok(())
    }

    /// The newest index that was sent with an SSRC of ours.
    pub fn newest(&self, ssrc: u32) -> u64 {
        self.sent.get(&ssrc).map_or(0, |sent| sent.rtp.newest)
    }

    /// The context of an SSRC that was received, its replay list too.
    pub fn forget(&mut self, ssrc: u32) {
        self.received.remove(&ssrc);
    }

    /// The context of an SSRC of ours that nothing is sent with any more: its numbers would begin anew.
    pub fn forget_sent(&mut self, ssrc: u32) {
        self.sent.remove(&ssrc);
    }

    /// Encrypts the RTP packet that `buffer` has from `from` on. `Err`: it is too long, or its number is long past;
    /// the buffer is as it was then. The same packet may be sent again.
    pub fn protect(&mut self, buffer: &mut Vec<u8>, from: usize) -> Result<(), Refused> {
        let packet = buffer.get(from..).ok_or(Refused)?;
        if packet.len() > MAX_PACKET {
            return Err(Refused);
        }
        let clear = header_size(packet).ok_or(Refused)?;
        let sequence = u16_at(packet, 2).ok_or(Refused)?;
        let ssrc = u32_at(packet, 8).ok_or(Refused)?;
        let newest = &mut self.sent.entry(ssrc).or_default().rtp;
        let index = newest.guess(sequence);
        if !newest.send(index) {
            return Err(Refused);
        }
        self.tx.rtp.seal_rtp(buffer, from, clear, ssrc, index)
    }

    pub fn protect_rtcp(&mut self, buffer: &mut Vec<u8>, from: usize) -> Result<(), Refused> {
        let packet = buffer.get(from..).ok_or(Refused)?;
        let ssrc = u32_at(packet, 4).ok_or(Refused)?;
        let index = &mut self.sent.entry(ssrc).or_default().rtcp;
        if packet.len() > MAX_PACKET || *index >= 0x7FFF_FFFF {
            return Err(Refused);
        }
        *index += 1;
        self.tx.rtcp.seal_rtcp(buffer, from, ssrc, *index)
    }
}

/// Bytes before the payload: header, CSRCs, extensions. `None`: they do not fit.
fn header_size(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let mut size = 12 + 4 * usize::from(first & 0x0F);
    if first & 0x10 != 0 {
        size += 4 + 4 * usize::from(u16_at(packet, size + 2)?);
    }
    (packet.len() >= size).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::header;

    fn pair(profile: SrtpProfile) -> (SrtpSession, SrtpSession) {
        let key = if profile == SrtpProfile::AeadAes256Gcm { 32 } else { 16 };
        let salt = if profile == SrtpProfile::Aes128CmSha1_80 { 14 } else { 12 };
        let keys = |rx: u8, tx: u8| SrtpKeys {
            profile,
            rx_key: vec![rx; key],
            rx_salt: vec![rx; salt],
            tx_key: vec![tx; key],
            tx_salt: vec![tx; salt],
        };
        let session = |rx, tx| SrtpSession::new(&keys(rx, tx)).expect("keys of the right size");
        (session(1, 2), session(2, 1))
    }

    const PROFILES: [SrtpProfile; 3] =
        [SrtpProfile::Aes128CmSha1_80, SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm];

    #[test]
    fn what_one_end_seals_the_other_opens_once() {
        for profile in PROFILES {
            let (mut ours, mut theirs) = pair(profile);
            let mut packet = header(0x80, false, 96, 1, 2, 3).to_vec();
            packet.extend_from_slice(b"payload");
            let mut sealed = b"before".to_vec();
            sealed.extend_from_slice(&packet);
            theirs.protect(&mut sealed, 6).expect("sealed");
            let sealed = sealed.split_off(6);

            let mut forged = sealed.clone();
            *forged.last_mut().expect("a tag") ^= 1;
            assert_eq!(ours.unprotect(&mut forged), Err(Drop::Forged));
            let mut opened = sealed.clone();
            assert_eq!(ours.unprotect(&mut opened), Ok(()));
            assert_eq!(opened, packet);
            assert_eq!(ours.unprotect(&mut sealed.clone()), Err(Drop::Replayed));
            assert_eq!(ours.unprotect(&mut vec![0x80; 20]), Err(Drop::NotRtp));
        }
    }

    #[test]
    fn rtcp_goes_the_same_way() {
        for profile in PROFILES {
            let (mut ours, mut theirs) = pair(profile);
            let packet = [0x80, 201, 0, 1, 0, 0, 0, 9].to_vec();
            let mut sealed = packet.clone();
            theirs.protect_rtcp(&mut sealed, 0).expect("sealed");
            let mut opened = sealed.clone();
            assert_eq!(ours.unprotect_rtcp(&mut opened), Ok(()));
            assert_eq!(opened, packet);
            assert_eq!(ours.unprotect_rtcp(&mut sealed.clone()), Err(Drop::Replayed));
            let mut other = sealed.clone();
            if let Some(byte) = other.get_mut(7) {
                *byte ^= 1; // another SSRC: no replay list yet
            }
            assert_eq!(ours.unprotect_rtcp(&mut other), Err(Drop::Forged));
            assert_eq!(ours.unprotect_rtcp(&mut vec![0; 11]), Err(Drop::RtcpMalformed));
        }
    }
}
