//! Packets of one picture that came together: which they are, and how much padding makes them equal, so that they go as one message. Pure.
//!
//! Chromium's differ by a byte or two in nearly every picture; a third of them could be cut as they are, all of them with padding.

use std::collections::HashMap;
use std::ops::Range;

use crate::directory::Route;

/// Bytes. Who is shorter by more is the last of its picture.
const MOST: usize = 8;

/// One picture of one sender: SSRC and timestamp stand in the clear (RFC 3550 5.1).
type Picture = (Route, [u8; 8]);

fn picture(from: Route, datagram: &[u8]) -> Option<Picture> {
    let [128..=191, second, ..] = datagram else {
        return None;
    };
    if (192..=223).contains(second) {
        return None; // RTCP
    }
    Some((from, *datagram.get(4..12)?.first_chunk()?))
}

/// Which of the datagrams that came together are worked on together: those of a picture, where their numbers follow one another (so none
/// of them begins its stream anew). All datagrams are in one of the ranges. `longest`: a datagram of so many bytes was longer.
pub fn runs(datagrams: &[(Route, &[u8])], longest: usize) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut before = None;
    for (at, (from, datagram)) in datagrams.iter().enumerate() {
        let packet = picture(*from, datagram).filter(|_| datagram.len() < longest).zip(number(datagram));
        let follows = |(picture, number): (Picture, u16)| (picture, number.wrapping_add(1));
        match found.last_mut() {
            Some(run) if packet.is_some() && packet == before.map(follows) => run.end = at + 1,
            _ => found.push(at..at + 1),
        }
        before = packet;
    }
    found
}

/// Its sequence number.
fn number(datagram: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(*datagram.get(2..4)?.first_chunk()?))
}

/// For each of the datagrams that came together.
pub fn paddings(datagrams: &[(Route, &[u8])]) -> Vec<u8> {
    if datagrams.len() < 2 {
        return vec![0; datagrams.len()];
    }
    let mut longest: HashMap<Picture, usize> = HashMap::new();
    for (from, datagram) in datagrams {
        if let Some(picture) = picture(*from, datagram) {
            let size = longest.entry(picture).or_default();
            *size = datagram.len().max(*size);
        }
    }
    let missing = datagrams.iter().map(|(from, datagram)| {
        let longest = picture(*from, datagram).and_then(|picture| longest.get(&picture));
        let missing = longest.map_or(0, |longest| longest - datagram.len());
        if missing <= MOST { missing as u8 } else { 0 }
    });
    missing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(timestamp: u8, size: usize) -> Vec<u8> {
        let mut made = vec![0x80, 96, 0, 0, 0, 0, 0, timestamp, 0, 0, 0, 1];
        made.resize(size, 0);
        made
    }

    #[test]
    fn packets_of_a_picture_become_as_long_as_its_longest() {
        let packets = [(1, 999), (1, 1_000), (2, 500), (1, 1_000), (1, 992), (1, 991), (2, 500)];
        let packets: Vec<_> = packets.iter().map(|(timestamp, size)| packet(*timestamp, *size)).collect();
        let came: Vec<_> = packets.iter().map(|each| (Route::Tcp(1), &each[..])).collect();
        assert_eq!(paddings(&came), [1, 0, 0, 0, 8, 0, 0]);
    }

    fn numbered(number: u16, timestamp: u8, size: usize) -> Vec<u8> {
        let mut made = packet(timestamp, size);
        made[2..4].copy_from_slice(&number.to_be_bytes());
        made
    }

    #[test]
    fn a_run_is_what_follows_one_another_of_a_picture() {
        let (here, there) = (Route::Tcp(1), Route::Tcp(2));
        let mut control = numbered(4, 2, 99);
        control[1] = 200;
        let packets = [
            (here, numbered(65_535, 1, 99)),
            (here, numbered(0, 1, 99)),
            (here, numbered(1, 1, 99)),
            (here, numbered(2, 2, 99)), // the next picture
            (here, numbered(4, 2, 99)), // one is missing
            (there, numbered(5, 2, 99)),
            (there, numbered(6, 2, 1_500)), // too long for a whole one
            (there, numbered(7, 2, 99)),
            (there, control.clone()),
            (there, control),
            (there, vec![0x80]),
        ];
        let came: Vec<_> = packets.iter().map(|(from, each)| (*from, &each[..])).collect();
        let found = runs(&came, 1_500);
        assert_eq!(found[..3], [0..3, 3..4, 4..5]);
        assert!(found[3..].iter().all(|run| run.len() == 1));
        assert_eq!(found.iter().map(Range::len).sum::<usize>(), came.len());
        assert!(runs(&[], 1_500).is_empty());
    }

    #[test]
    fn others_and_what_is_no_rtp_are_left_as_they_are() {
        let (short, long, mut control) = (packet(1, 100), packet(1, 101), packet(1, 99));
        control[1] = 200;
        let came: [(Route, &[u8]); 4] = [
            (Route::Tcp(1), &short),
            (Route::Tcp(2), &long),
            (Route::Tcp(1), &control),
            (Route::Tcp(1), &[0x80]),
        ];
        assert_eq!(paddings(&came), [0; 4]);
        assert_eq!(paddings(&[]), []);
    }
}
