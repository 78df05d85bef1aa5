//! Order in what is to be sent: each peer's datagrams together, and which of them the kernel can cut out of one message. Pure.

use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

use sferum_forwarder_core::api::Id;
use sferum_forwarder_core::table::NumberMap;

/// Datagrams of one UDP_SEGMENT message, and its bytes: older kernels take 64, and a message is an IP packet at first.
const MOST_SEGMENTS: usize = 64;
const MOST_BYTES: usize = 64_000;

/// Everything that is to be sent now; a peer's datagrams stand one after another, in the order in which they were made.
pub struct Batch<'a> {
    pub parts: Vec<IoSlice<'a>>,
    /// Whose, and where in `parts`.
    pub peers: Vec<(&'a Id, Range<usize>)>,
}

impl<'a> Batch<'a> {
    pub fn new(output: impl Iterator<Item = (&'a Id, &'a [u8])>, count: usize) -> Self {
        let mut ranks: NumberMap<usize, usize> = NumberMap::default();
        let mut peers: Vec<(&Id, Range<usize>)> = Vec::new();
        let mut places = Vec::with_capacity(count);
        let mut last = (0, 0);
        for (peer, datagram) in output {
            // A peer has one name, which all its datagrams share.
            let name = Arc::as_ptr(peer).cast::<u8>().addr();
            if last.0 != name {
                let rank = *ranks.entry(name).or_insert_with(|| {
                    peers.push((peer, 0..0));
                    peers.len() - 1
                });
                last = (name, rank);
            }
            places.push((last.1, datagram));
        }
        places.sort_by_key(|place| place.0); // which keeps the order of each one's
        for (at, (rank, _)) in places.iter().enumerate() {
            if let Some((_, range)) = peers.get_mut(*rank) {
                let begin = if range.start == range.end { at } else { range.start };
                *range = begin..at + 1;
            }
        }
        let parts = places.into_iter().map(|place| IoSlice::new(place.1)).collect();
        Self { parts, peers }
    }

    pub fn of(&self, range: &Range<usize>) -> &[IoSlice<'a>] {
        self.parts.get(range.clone()).unwrap_or_default()
    }
}

/// How many of the first parts go as one message, and the bytes of each but the last, which may be shorter (0: it is one).
pub fn run(parts: &[IoSlice<'_>]) -> (usize, u16) {
    let Some(segment) = parts.first().map(|part| part.len()) else {
        return (0, 0);
    };
    let (mut count, mut bytes) = (0, 0);
    for part in parts.iter().take(MOST_SEGMENTS) {
        bytes += part.len();
        if part.len() > segment || bytes > MOST_BYTES {
            break;
        }
        count += 1;
        if part.len() < segment {
            break;
        }
    }
    match u16::try_from(segment) {
        Ok(segment) if count > 1 => (count, segment),
        _ => (1, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_s_datagrams_stand_together_in_their_order() {
        let (one, two) = (Id::from("one"), Id::from("two"));
        let output: [(&Id, &[u8]); 5] =
            [(&one, b"a"), (&two, b"b"), (&one, b"c"), (&two, b"d"), (&one, b"e")];
        let batch = Batch::new(output.into_iter(), 5);
        let sent: Vec<_> = batch
            .peers
            .iter()
            .map(|(peer, range)| (peer.to_string(), batch.of(range).iter().map(|part| part[0]).collect()))
            .collect();
        let wanted: [(String, Vec<u8>); 2] =
            [("one".into(), b"ace".to_vec()), ("two".into(), b"bd".to_vec())];
        assert_eq!(sent, wanted);
    }

    fn runs(sizes: &[usize]) -> Vec<(usize, u16)> {
        let bytes = [0; 2_000];
        let parts: Vec<_> = sizes.iter().map(|size| IoSlice::new(&bytes[..*size])).collect();
        let mut left = &parts[..];
        let mut found = Vec::new();
        while !left.is_empty() {
            let (count, segment) = run(left);
            found.push((count, segment));
            left = &left[count..];
        }
        found
    }

    #[test]
    fn a_run_has_one_size_and_a_shorter_last_one() {
        assert_eq!(runs(&[9, 9, 9, 4, 9, 9]), [(4, 9), (2, 9)]);
        assert_eq!(runs(&[4, 9, 9]), [(1, 0), (2, 9)]);
        assert_eq!(runs(&[9, 8, 7, 7]), [(2, 9), (2, 7)]);
        assert_eq!(runs(&[9]), [(1, 0)]);
        assert_eq!(runs(&[1_200; 70]), [(53, 1_200), (17, 1_200)]);
        assert_eq!(runs(&[100; 70]), [(64, 100), (6, 100)]);
        assert_eq!(run(&[]), (0, 0));
    }
}
