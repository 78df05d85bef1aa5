//! The time of sending, in the last bytes of a payload: what a forwarder writes anew stands before it. Pure.

const MARK: [u8; 8] = *b"sent at ";
pub const SIZE: usize = 16;

/// Over the last bytes of `packet`, which is longer than that.
pub fn write(packet: &mut [u8], now_ns: u64) {
    let end = packet.len();
    packet[end - SIZE..end - 8].copy_from_slice(&MARK);
    packet[end - 8..].copy_from_slice(&now_ns.to_be_bytes());
}

/// `None`: the payload is none of ours.
pub fn read(payload: &[u8]) -> Option<u64> {
    let (_, tail) = payload.split_last_chunk::<SIZE>()?;
    let (mark, number) = tail.split_first_chunk::<8>()?;
    (*mark == MARK).then(|| number.try_into().map(u64::from_be_bytes).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let mut payload = [0; 20];
        write(&mut payload, 12_345);
        assert_eq!(read(&payload), Some(12_345));
        assert_eq!(read(&payload[..19]), None);
        assert_eq!(read(&payload[..5]), None);
    }
}
