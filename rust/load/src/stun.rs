//! Answers to the server's checks (RFC 8489): a full-ICE server ends a connection that does not answer. Pure.

use aws_lc_rs::hmac;

const HEADER: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const MESSAGE_INTEGRITY: [u8; 4] = [0, 8, 0, 20];
const XOR_MAPPED_ADDRESS: [u8; 4] = [0, 0x20, 0, 8];

/// The success response to a binding request. `None`: it is none. The address in it is a made-up one: nobody looks.
pub fn answer(request: &[u8], pwd: &str) -> Option<Vec<u8>> {
    let head = request.get(..HEADER)?;
    if head.get(..2)? != [0, 1] || head.get(4..8)? != COOKIE {
        return None;
    }
    let mut made = vec![1, 1, 0, 12 + 24]; // the length counts what MESSAGE-INTEGRITY covers, and itself
    made.extend_from_slice(head.get(4..)?);
    made.extend_from_slice(&XOR_MAPPED_ADDRESS);
    made.extend_from_slice(&[0, 1, 0, 9]);
    made.extend([127, 0, 0, 1].iter().zip(COOKIE).map(|(address, cookie)| address ^ cookie));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pwd.as_bytes());
    let tag = hmac::sign(&key, &made);
    made.extend_from_slice(&MESSAGE_INTEGRITY);
    made.extend_from_slice(tag.as_ref());
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Vec<u8> {
        let mut made = vec![0, 1, 0, 0];
        made.extend_from_slice(&COOKIE);
        made.extend(1..=12);
        made
    }

    #[test]
    fn a_request_is_answered_with_its_own_number() {
        let answered = answer(&request(), "secret").expect("an answer");
        assert_eq!(answered.len(), HEADER + 36);
        assert_eq!(answered[..4], [1, 1, 0, 36]);
        assert_eq!(answered[8..20], request()[8..20]);
        assert_eq!(answered[32..36], MESSAGE_INTEGRITY);
    }

    #[test]
    fn nothing_else_is_answered() {
        let mut response = request();
        response[0] = 1;
        assert_eq!(answer(&response, "secret"), None);
        assert_eq!(answer(&request()[..10], "secret"), None);
        assert_eq!(answer(&[], "secret"), None);
    }
}
