//! Session keys of one direction (RFC 3711 4.3, RFC 7714 11), and what is done with them to one packet.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, Algorithm, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use crate::api::SrtpProfile;

/// Bytes of the authentication tag of SHA1_80.
const SHA1_TAG: usize = 10;
/// Bytes of GCM's.
const GCM_TAG: usize = 16;

/// The cipher refused: the keys are of the wrong size, or the packet is not authentic.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused;

/// For RTP or for RTCP.
pub enum Cipher {
    Gcm { key: LessSafeKey, salt: [u8; 12] },
    Cm(Box<CounterMode>),
}

/// AES in counter mode and HMAC-SHA1.
pub struct CounterMode {
    key: EncryptingKey,
    salt: [u8; 16],
    auth: hmac::Key,
}

/// First of the three labels (key, authentication, salt) of RFC 3711 4.3.2.
#[derive(Clone, Copy)]
pub enum Use {
    Rtp = 0,
    Rtcp = 3,
}

impl Cipher {
    pub fn new(profile: SrtpProfile, master: &[u8], salt: &[u8], what: Use) -> Result<Self, Refused> {
        let prf = |label: u8, into: &mut [u8]| derive(master, salt, what as u8 + label, into);
        match profile {
            SrtpProfile::AeadAes128Gcm => gcm(prf, &AES_128_GCM, &mut [0; 16]),
            SrtpProfile::AeadAes256Gcm => gcm(prf, &AES_256_GCM, &mut [0; 32]),
            SrtpProfile::Aes128CmSha1_80 => {
                let (mut key, mut auth, mut salt) = ([0; 16], [0; 20], [0; 16]);
                prf(0, &mut key)?;
                prf(1, &mut auth)?;
                prf(2, salt.first_chunk_mut::<14>().ok_or(Refused)?)?;
                let key = UnboundCipherKey::new(&AES_128, &key).map_err(|_| Refused)?;
                Ok(Self::Cm(Box::new(CounterMode {
                    key: EncryptingKey::ctr(key).map_err(|_| Refused)?,
                    salt,
                    auth: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &auth),
                })))
            }
        }
    }

    pub fn tag(&self) -> usize {
        match self {
            Self::Gcm { .. } => GCM_TAG,
            Self::Cm(_) => SHA1_TAG,
        }
    }

    /// `clear`: the header; `text`: what is encrypted, the tag is appended.
    pub fn seal_rtp(
        &self,
        packet: &mut Vec<u8>,
        from: usize,
        clear: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), Refused> {
        match self {
            Self::Gcm { key, salt } => {
                let (head, text) = parts(packet, from, clear)?;
                let tag = key
                    .seal_in_place_separate_tag(gcm_nonce(salt, ssrc, index), Aad::from(head), text)
                    .map_err(|_| Refused)?;
                packet.extend_from_slice(tag.as_ref());
            }
            Self::Cm(cm) => {
                let (_, text) = parts(packet, from, clear)?;
                counter_mode(&cm.key, &cm.salt, ssrc, index, text)?;
                let mut context = hmac::Context::with_key(&cm.auth);
                context.update(packet.get(from..).ok_or(Refused)?);
                context.update(&roc(index));
                append_tag(packet, context)?;
            }
        }
        Ok(())
    }

    /// The other way; `packet` ends before the tag afterwards.
    pub fn open_rtp(&self, packet: &mut Vec<u8>, clear: usize, ssrc: u32, index: u64) -> Result<(), Refused> {
        let end = packet.len().checked_sub(self.tag()).ok_or(Refused)?;
        match self {
            Self::Gcm { key, salt } => {
                let (head, text) = parts(packet, 0, clear)?;
                key.open_in_place(gcm_nonce(salt, ssrc, index), Aad::from(head), text)
                    .map_err(|_| Refused)?;
            }
            Self::Cm(cm) => {
                let (sealed, tag) = packet.split_at_mut_checked(end).ok_or(Refused)?;
                let mut context = hmac::Context::with_key(&cm.auth);
                context.update(sealed);
                context.update(&roc(index));
                check_tag(tag, context)?;
                let text = sealed.get_mut(clear..).ok_or(Refused)?;
                counter_mode(&cm.key, &cm.salt, ssrc, index, text)?;
            }
        }
        packet.truncate(end);
        Ok(())
    }

    /// RTCP, encrypted from its ninth byte on; tag and trailer (E and `index`) are appended.
    pub fn seal_rtcp(&self, packet: &mut Vec<u8>, from: usize, ssrc: u32, index: u32) -> Result<(), Refused> {
        let trailer = (index | 0x8000_0000).to_be_bytes();
        match self {
            Self::Gcm { key, salt } => {
                let (head, text) = parts(packet, from, 8)?;
                let aad = rtcp_aad(head, trailer)?;
                let tag = key
                    .seal_in_place_separate_tag(gcm_nonce(salt, ssrc, u64::from(index)), Aad::from(aad), text)
                    .map_err(|_| Refused)?;
                packet.extend_from_slice(tag.as_ref());
                packet.extend_from_slice(&trailer);
            }
            Self::Cm(cm) => {
                let (_, text) = parts(packet, from, 8)?;
                counter_mode(&cm.key, &cm.salt, ssrc, u64::from(index), text)?;
                packet.extend_from_slice(&trailer);
                let mut context = hmac::Context::with_key(&cm.auth);
                context.update(packet.get(from..).ok_or(Refused)?);
                append_tag(packet, context)?;
            }
        }
        Ok(())
    }

    /// The other way; `packet` is at least header, tag and trailer.
    pub fn open_rtcp(&self, packet: &mut Vec<u8>, ssrc: u32, trailer: u32) -> Result<(), Refused> {
        let end = packet.len().checked_sub(self.tag() + 4).ok_or(Refused)?;
        let index = u64::from(trailer & 0x7FFF_FFFF);
        let bytes = trailer.to_be_bytes();
        match self {
            Self::Gcm { key, salt } => {
                let nonce = gcm_nonce(salt, ssrc, index);
                packet.truncate(end + GCM_TAG);
                if trailer & 0x8000_0000 != 0 {
                    let (head, text) = parts(packet, 0, 8)?;
                    let aad = rtcp_aad(head, bytes)?;
                    key.open_in_place(nonce, Aad::from(aad), text).map_err(|_| Refused)?;
                } else {
                    // RFC 7714 9.3: authenticated only.
                    let (head, tag) = packet.split_at_mut_checked(end).ok_or(Refused)?;
                    let aad: Vec<u8> = head.iter().copied().chain(bytes).collect();
                    key.open_in_place(nonce, Aad::from(aad), tag).map_err(|_| Refused)?;
                }
            }
            Self::Cm(cm) => {
                let (sealed, tag) = packet.split_at_mut_checked(end + 4).ok_or(Refused)?;
                let mut context = hmac::Context::with_key(&cm.auth);
                context.update(sealed);
                check_tag(tag, context)?;
                let text = sealed.get_mut(8..end).ok_or(Refused)?;
                counter_mode(&cm.key, &cm.salt, ssrc, index, text)?;
            }
        }
        packet.truncate(end);
        Ok(())
    }
}

/// RFC 3711 4.3.3 with a key derivation rate of 0: AES in counter mode, with 128 or 256 bits as the master key has.
fn derive(master: &[u8], salt: &[u8], label: u8, into: &mut [u8]) -> Result<(), Refused> {
    let algorithm: &Algorithm = if master.len() == 32 { &AES_256 } else { &AES_128 };
    let key = UnboundCipherKey::new(algorithm, master).map_err(|_| Refused)?;
    let key = EncryptingKey::ctr(key).map_err(|_| Refused)?;
    let mut counter = [0; 16];
    for (place, byte) in counter.iter_mut().take(14).zip(salt) {
        *place = *byte;
    }
    if let Some(place) = counter.get_mut(7) {
        *place ^= label;
    }
    into.fill(0);
    apply(&key, counter, into)
}

fn gcm(
    prf: impl Fn(u8, &mut [u8]) -> Result<(), Refused>,
    algorithm: &'static aws_lc_rs::aead::Algorithm,
    key: &mut [u8],
) -> Result<Cipher, Refused> {
    let mut salt = [0; 12];
    prf(0, key)?;
    prf(2, &mut salt)?;
    let key = UnboundKey::new(algorithm, key).map_err(|_| Refused)?;
    Ok(Cipher::Gcm { key: LessSafeKey::new(key), salt })
}

/// Header and text of the packet that begins at `from`.
fn parts(packet: &mut [u8], from: usize, clear: usize) -> Result<(&[u8], &mut [u8]), Refused> {
    let packet = packet.get_mut(from..).ok_or(Refused)?;
    let (head, text) = packet.split_at_mut_checked(clear).ok_or(Refused)?;
    Ok((head, text))
}

/// RFC 7714 8.1 and 9.1: both have the SSRC at byte 2, and a number of 48 (RTP) or 31 bits at the end.
fn gcm_nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> Nonce {
    let number = u128::from(ssrc) << 48 | u128::from(index & 0xFFFF_FFFF_FFFF);
    let mut nonce = *salt;
    let bytes = number.to_be_bytes();
    for (place, byte) in nonce.iter_mut().zip(bytes.iter().skip(4)) {
        *place ^= byte;
    }
    Nonce::assume_unique_for_key(nonce)
}

/// RFC 7714 9.2.
fn rtcp_aad(head: &[u8], trailer: [u8; 4]) -> Result<[u8; 12], Refused> {
    let mut aad = [0; 12];
    *aad.first_chunk_mut::<8>().ok_or(Refused)? = *head.first_chunk().ok_or(Refused)?;
    *aad.last_chunk_mut::<4>().ok_or(Refused)? = trailer;
    Ok(aad)
}

/// RFC 3711 4.1.1.
fn counter_mode(
    key: &EncryptingKey,
    salt: &[u8; 16],
    ssrc: u32,
    index: u64,
    text: &mut [u8],
) -> Result<(), Refused> {
    let number = u128::from(ssrc) << 64 | u128::from(index) << 16;
    apply(key, (u128::from_be_bytes(*salt) ^ number).to_be_bytes(), text)
}

fn apply(key: &EncryptingKey, counter: [u8; 16], text: &mut [u8]) -> Result<(), Refused> {
    let context = EncryptionContext::Iv128(FixedLength::from(counter));
    key.less_safe_encrypt(text, context).map_err(|_| Refused)?;
    Ok(())
}

/// The rollover counter.
fn roc(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

fn append_tag(packet: &mut Vec<u8>, context: hmac::Context) -> Result<(), Refused> {
    let tag = context.sign();
    packet.extend_from_slice(tag.as_ref().first_chunk::<SHA1_TAG>().ok_or(Refused)?);
    Ok(())
}

fn check_tag(tag: &[u8], context: hmac::Context) -> Result<(), Refused> {
    let expected = context.sign();
    let expected = expected.as_ref().first_chunk::<SHA1_TAG>().ok_or(Refused)?;
    aws_lc_rs::constant_time::verify_slices_are_equal(expected, tag).map_err(|_| Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digit = |byte: u8| char::from(byte).to_digit(16).expect("a digit") as u8;
        let pairs = text.as_bytes().chunks(2);
        pairs.map(|pair| pair.iter().fold(0, |sum, each| sum << 4 | digit(*each))).collect()
    }

    #[test]
    fn keys_are_derived_as_in_rfc_3711() {
        let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
        let salt = hex("0EC675AD498AFEEBB6960B3AABE6");
        for (label, expected) in [
            (0, "c61e7a93744f39ee10734afe3ff7a087"),
            (2, "30cbbc08863d8c85d49db34a9ae1"),
            (1, "cebe321f6ff7716b6fd4ab49af256a156d38baa4"),
        ] {
            let mut made = vec![0; expected.len() / 2];
            derive(&key, &salt, label, &mut made).expect("keys of the right size");
            assert_eq!(made, hex(expected));
        }
    }

    #[test]
    fn gcm_is_that_of_rfc_7714() {
        let key: Vec<u8> = (0..16).collect();
        let cipher = Cipher::Gcm {
            key: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("a key")),
            salt: *hex("517569642070726f2071756f").first_chunk().expect("a salt"),
        };
        let mut packet = hex("8040f17b8041f8d35501a0b2");
        packet.extend_from_slice(b"Gallia est omnis divisa in partes tres");
        let clear = packet.clone();
        cipher.seal_rtp(&mut packet, 0, 12, 0x5501_A0B2, 0xF17B).expect("sealed");
        assert_eq!(
            packet,
            hex("8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a\
                 51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce")
        );
        cipher.open_rtp(&mut packet, 12, 0x5501_A0B2, 0xF17B).expect("authentic");
        assert_eq!(packet, clear);
    }

    #[test]
    fn counter_mode_is_that_of_rfc_3711() {
        let key = UnboundCipherKey::new(&AES_128, &hex("2B7E151628AED2A6ABF7158809CF4F3C")).expect("a key");
        let key = EncryptingKey::ctr(key).expect("a key");
        let mut text = [0; 32];
        let mut salt = [0; 16];
        salt.copy_from_slice(&hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"));
        counter_mode(&key, &salt, 0, 0, &mut text).expect("a keystream");
        assert_eq!(text.to_vec(), hex("E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB"));
    }
}
