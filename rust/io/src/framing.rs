//! Packets on a TCP connection: two bytes of length before each (RFC 4571). `media/transport/framing.py`.

/// Bytes. Clients send what would fit an Ethernet frame; whoever announces more speaks something else.
pub const MAX_FRAME: usize = 2_048;

/// The stream cannot be read any further.
#[derive(Debug, PartialEq, Eq)]
pub struct BadFrame;

/// Cuts a stream into packets; holds at most one incomplete frame.
#[derive(Default)]
pub struct Framer {
    rest: Vec<u8>,
}

impl Framer {
    /// Packets that are complete now; empty ones are left out. `Err`, after the packets before it: close the connection.
    pub fn feed(&mut self, data: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), BadFrame> {
        self.rest.extend_from_slice(data);
        let mut left: &[u8] = &self.rest;
        while let Some((head, body)) = left.split_first_chunk::<2>() {
            let size = usize::from(u16::from_be_bytes(*head));
            if size > MAX_FRAME {
                return Err(BadFrame);
            }
            let Some((packet, after)) = body.split_at_checked(size) else {
                break;
            };
            if !packet.is_empty() {
                take(packet);
            }
            left = after;
        }
        let read = self.rest.len() - left.len();
        self.rest.drain(..read);
        Ok(())
    }
}

/// The length that stands before a packet. `None`: it is too long for a frame.
pub fn head(packet: &[u8]) -> Option<[u8; 2]> {
    u16::try_from(packet.len()).ok().map(u16::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(framer: &mut Framer, data: &[u8]) -> (Vec<Vec<u8>>, Result<(), BadFrame>) {
        let mut taken = Vec::new();
        let result = framer.feed(data, |packet| taken.push(packet.to_vec()));
        (taken, result)
    }

    #[test]
    fn packets_come_out_however_the_stream_is_cut() {
        let stream = b"\0\x03one\0\0\0\x05three";
        for cut in 0..=stream.len() {
            let mut framer = Framer::default();
            let (mut taken, first) = fed(&mut framer, &stream[..cut]);
            let (more, second) = fed(&mut framer, &stream[cut..]);
            taken.extend(more);
            assert_eq!((taken, first, second), (vec![b"one".to_vec(), b"three".to_vec()], Ok(()), Ok(())));
        }
    }

    #[test]
    fn too_long_a_frame_ends_it_after_what_came_before() {
        let (taken, result) = fed(&mut Framer::default(), b"\0\x02ok\xFF\xFF");
        assert_eq!((taken, result), (vec![b"ok".to_vec()], Err(BadFrame)));
        assert_eq!(head(&[0; 300]), Some([1, 44]));
        assert_eq!(head(&vec![0; 70_000]), None);
    }
}
