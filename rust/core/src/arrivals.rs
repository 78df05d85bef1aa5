//! Transport-wide feedback of a subscriber, read: which of our packets came, and when by its clock.
//!
//! draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1. `feedback.rs` writes the same towards publishers.

use crate::rtp::{Malformed, u16_at};

const RESERVED: u16 = 3;
const SMALL: u16 = 1;

/// One message. What is not in `received` has not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrivals {
    pub first: u16,
    pub count: u16,
    /// (How far behind `first`, tick of 250 µs), ascending in the first.
    pub received: Vec<(u16, i64)>,
}

/// `fci`: what follows the two SSRCs. Work is bounded by its length, whatever counts it claims.
pub fn read_arrivals(fci: &[u8]) -> Result<Arrivals, Malformed> {
    let first = u16_at(fci, 0).ok_or(Malformed)?;
    let count = u16_at(fci, 2).ok_or(Malformed)?;
    let &[high, middle, low, _] = fci.get(4..8).and_then(|each| each.first_chunk()).ok_or(Malformed)?;
    let mut tick = i64::from(i32::from_be_bytes([high, middle, low, 0]) >> 8) * 256; // units of 64 ms
    let (symbols, mut at) = read_symbols(fci, count)?;
    let mut received = Vec::with_capacity(symbols.len());
    for (place, symbol) in symbols {
        if symbol == SMALL {
            tick += i64::from(*fci.get(at).ok_or(Malformed)?);
            at += 1;
        } else {
            tick += i64::from(u16_at(fci, at).ok_or(Malformed)?.cast_signed());
            at += 2;
        }
        received.push((place, tick));
    }
    Ok(Arrivals { first, count, received })
}

/// (Place, symbol) of what was received, and where the times begin. Status chunks, 3.1.2 to 3.1.4.
fn read_symbols(fci: &[u8], count: u16) -> Result<(Vec<(u16, u16)>, usize), Malformed> {
    let mut found: Vec<(u16, u16)> = Vec::new();
    let (mut at, mut place) = (8, 0);
    while place < count {
        let chunk = u16_at(fci, at).ok_or(Malformed)?;
        at += 2;
        if chunk < 0x8000 {
            let (symbol, run) = (chunk >> 13, (chunk & 0x1FFF).min(count - place));
            if symbol == RESERVED || symbol != 0 && found.len() + usize::from(run) > fci.len() {
                return Err(Malformed);
            }
            if symbol != 0 {
                found.extend((place..place + run).map(|each| (each, symbol)));
            }
            place += run;
            continue;
        }
        let (bits, symbols) = if chunk & 0x4000 != 0 { (2, 7) } else { (1, 14) };
        for symbol in (0..symbols).rev().map(|each| chunk >> (bits * each) & ((1 << bits) - 1)) {
            if place < count && symbol != 0 {
                if symbol == RESERVED {
                    return Err(Malformed);
                }
                found.push((place, symbol));
            }
            place = place.saturating_add(1);
        }
    }
    Ok((found, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_vectors_and_runs_are_read() {
        let one = [0, 5, 0, 14, 0, 0, 1, 0, 0xA0, 0x01, 4, 8];
        let expected = Arrivals { first: 5, count: 14, received: vec![(0, 260), (13, 268)] };
        assert_eq!(read_arrivals(&one), Ok(expected));
        let two = [0, 5, 0, 2, 0xFF, 0xFF, 0xFF, 0, 0xDB, 0xFF, 4, 0xFF, 0xFE];
        let expected = Arrivals { first: 5, count: 2, received: vec![(0, -252), (1, -254)] };
        assert_eq!(read_arrivals(&two), Ok(expected));
        let run = [0, 5, 0, 3, 0, 0, 0, 0, 0, 1, 0x20, 2, 1, 2];
        let expected = Arrivals { first: 5, count: 3, received: vec![(1, 1), (2, 3)] };
        assert_eq!(read_arrivals(&run), Ok(expected));
    }

    #[test]
    fn what_is_cut_off_or_claims_too_much_is_refused() {
        let whole = [0, 0, 0, 1, 0, 0, 0, 0, 0x40, 1, 5, 5];
        assert!(read_arrivals(&whole).is_ok());
        for size in 0..whole.len() {
            assert_eq!(read_arrivals(&whole[..size]), Err(Malformed), "{size}");
        }
        assert_eq!(read_arrivals(&[0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0x3F, 0xFF]), Err(Malformed));
        assert_eq!(read_arrivals(&[0, 0, 0, 1, 0, 0, 0, 0, 0x60, 1]), Err(Malformed));
        assert_eq!(read_arrivals(&[0, 0, 0, 1, 0, 0, 0, 0, 0xF0, 0]), Err(Malformed));
    }
}
