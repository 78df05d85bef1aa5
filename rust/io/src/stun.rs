//! What a datagram is, and whose ufrag a binding request names: `media/transport/demux.py` and `ufrag_of` of `binding.py`.

use crate::ignored::Ignored;

const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0, 1];
const BINDING_SUCCESS: [u8; 2] = [1, 1];
const USERNAME: [u8; 2] = [0, 6];
const HEADER: usize = 20;
/// Bytes: 256 for each ufrag and a colon (RFC 8839 5.4).
const MAX_USERNAME: usize = 513;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Stun,
    Dtls,
    Media,
}

/// By the first byte (RFC 7983 7). `None`: not ours.
pub fn kind_of(first: u8) -> Option<Kind> {
    match first {
        0..=3 => Some(Kind::Stun),
        20..=63 => Some(Kind::Dtls),
        128..=191 => Some(Kind::Media),
        _ => None,
    }
}

/// Whether it may be the answer to a question of ours.
pub fn is_answer(datagram: &[u8]) -> bool {
    datagram.starts_with(&BINDING_SUCCESS) && datagram.len() >= HEADER
}

/// The ufrag of ours that a binding request names, found without reading the rest.
pub fn ufrag_of(datagram: &[u8]) -> Result<&str, Ignored> {
    let (header, mut attributes) = datagram.split_at_checked(HEADER).ok_or(Ignored::StunMalformed)?;
    let size = number(header, 2);
    if header.get(4..8) != Some(&COOKIE) || size != Some(attributes.len()) {
        return Err(Ignored::StunMalformed);
    }
    if !header.starts_with(&BINDING_REQUEST) {
        return Err(Ignored::NotARequest);
    }
    while let Some((head, rest)) = attributes.split_at_checked(4) {
        let size = number(head, 2).ok_or(Ignored::StunMalformed)?;
        if head.starts_with(&USERNAME) {
            let name = rest.get(..size).filter(|_| size <= MAX_USERNAME).ok_or(Ignored::StunMalformed)?;
            let colon = name.iter().position(|byte| *byte == b':').ok_or(Ignored::StunMalformed)?;
            let local = name.get(..colon).filter(|local| local.is_ascii()).ok_or(Ignored::StunMalformed)?;
            return std::str::from_utf8(local).map_err(|_| Ignored::StunMalformed);
        }
        attributes = rest.get(size.next_multiple_of(4)..).unwrap_or_default();
    }
    Err(Ignored::StunMalformed)
}

fn number(data: &[u8], at: usize) -> Option<usize> {
    let (high, low) = (*data.get(at)?, *data.get(at + 1)?);
    Some(usize::from(high) << 8 | usize::from(low))
}

/// A binding request that names `ufrag`, with an attribute before that.
#[cfg(test)]
pub fn request(ufrag: &str) -> Vec<u8> {
    let name = format!("{ufrag}:them");
    let mut attributes = vec![0, 0x24, 0, 3, 1, 2, 3, 0, 0, 6, 0, name.len() as u8];
    attributes.extend_from_slice(name.as_bytes());
    attributes.resize(attributes.len().next_multiple_of(4), 0);
    let mut made = vec![0, 1, 0, attributes.len() as u8];
    made.extend_from_slice(&COOKIE);
    made.extend_from_slice(&[7; 12]);
    made.extend_from_slice(&attributes);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_the_ufrag_before_its_colon() {
        assert_eq!(ufrag_of(&request("ours")), Ok("ours"));
        assert_eq!(ufrag_of(&request("o")), Ok("o"));
    }

    #[test]
    fn what_is_cut_or_no_request_is_refused_by_name() {
        let whole = request("ours");
        for size in 0..whole.len() {
            assert_eq!(ufrag_of(&whole[..size]), Err(Ignored::StunMalformed), "{size}");
        }
        let mut indication = whole.clone();
        indication[1] = 0x11;
        assert_eq!(ufrag_of(&indication), Err(Ignored::NotARequest));
        let mut longer = whole.clone();
        longer[31] = 200; // the name is said to be longer than what is there
        assert_eq!(ufrag_of(&longer), Err(Ignored::StunMalformed));
        assert!(!is_answer(&whole));
        assert!(is_answer(&[&[1, 1][..], &[0; 18]].concat()));
    }

    #[test]
    fn the_first_byte_says_what_it_is() {
        let kinds: Vec<_> = [0, 3, 4, 19, 20, 63, 64, 127, 128, 191, 192].map(kind_of).into_iter().collect();
        let (stun, dtls, media) = (Some(Kind::Stun), Some(Kind::Dtls), Some(Kind::Media));
        assert_eq!(kinds, [stun, stun, None, None, dtls, dtls, None, None, media, media, None]);
    }
}
