//! gzip (RFC 1952, 1951), for playlists: each text comes once for thousands of viewers, so speed is nothing here. Pure.

/// It ends early, or is none.
#[derive(Debug, PartialEq, Eq)]
pub struct Damaged;

/// Bytes unpacked, at most.
const LONGEST: usize = 4 << 20;
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The text of a gzip file without extra fields or a name.
pub fn gunzip(data: &[u8]) -> Result<Vec<u8>, Damaged> {
    let rest = data.strip_prefix(&[0x1f, 0x8b, 8, 0]).and_then(|rest| rest.get(6..)).ok_or(Damaged)?;
    let (mut bits, mut out) = (Bits { data: rest, at: 0 }, Vec::new());
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut out)?,
            1 => {
                let lengths: Vec<u8> = (0..288).map(fixed).collect();
                block(&mut bits, &mut out, &Codes::new(&lengths), &Codes::new(&[5; 30]))?;
            }
            2 => {
                let (literals, distances) = dynamic(&mut bits)?;
                block(&mut bits, &mut out, &literals, &distances)?;
            }
            _ => return Err(Damaged),
        }
        if last {
            return Ok(out);
        }
    }
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize, // bits
}

impl Bits<'_> {
    fn take(&mut self, count: u8) -> Result<usize, Damaged> {
        let mut value = 0;
        for place in 0..count {
            let byte = *self.data.get(self.at / 8).ok_or(Damaged)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Ok(value)
    }
}

/// Canonical Huffman codes (RFC 1951 3.2.2).
struct Codes {
    counts: [usize; 16], // by length
    symbols: Vec<usize>, // by code
}

impl Codes {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        lengths.iter().for_each(|length| counts[usize::from(*length)] += 1);
        counts[0] = 0;
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|place| lengths[*place] > 0).collect();
        symbols.sort_by_key(|place| lengths[*place]);
        Self { counts, symbols }
    }

    fn read(&self, bits: &mut Bits) -> Result<usize, Damaged> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            if code < first + count {
                return self.symbols.get(index + code - first).copied().ok_or(Damaged);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Damaged)
    }
}

fn fixed(symbol: u16) -> u8 {
    match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

fn stored(bits: &mut Bits, out: &mut Vec<u8>) -> Result<(), Damaged> {
    bits.at = bits.at.div_ceil(8) * 8;
    let size = bits.take(16)?;
    bits.take(16)?;
    let begin = bits.at / 8;
    out.extend_from_slice(bits.data.get(begin..begin + size).ok_or(Damaged)?);
    bits.at += size * 8;
    Ok(())
}

fn dynamic(bits: &mut Bits) -> Result<(Codes, Codes), Damaged> {
    let (literals, distances, count) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut lengths = [0; 19];
    for place in &ORDER[..count] {
        lengths[*place] = bits.take(3)? as u8;
    }
    let codes = Codes::new(&lengths);
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (value, times) = match codes.read(bits)? {
            16 => (*lengths.last().ok_or(Damaged)?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        lengths.extend(std::iter::repeat_n(value, times));
    }
    let (first, second) = lengths.split_at(literals);
    Ok((Codes::new(first), Codes::new(&second[..distances])))
}

fn block(bits: &mut Bits, out: &mut Vec<u8>, literals: &Codes, distances: &Codes) -> Result<(), Damaged> {
    while out.len() < LONGEST {
        let symbol = literals.read(bits)?;
        match symbol {
            0..256 => out.push(symbol as u8),
            256 => return Ok(()),
            _ => {
                let (least, extra) = *LENGTHS.get(symbol - 257).ok_or(Damaged)?;
                let length = usize::from(least) + bits.take(extra)?;
                let code = distances.read(bits)?;
                let extra = (code / 2).saturating_sub(1) as u8;
                let least = if code < 2 { code } else { (2 + code % 2) << extra };
                let back = least + 1 + bits.take(extra)?;
                let begin = out.len().checked_sub(back).ok_or(Damaged)?;
                (begin..begin + length).for_each(|place| out.push(out[place]));
            }
        }
    }
    Err(Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `gzip.compress(bytes, mtime=0)` of Python: dynamic codes, fixed codes, stored.
    const DYNAMIC: &str = "1f8b08000000000002038dd43b0ac2401446e1de6524ad09f7314f2145408b342ac304b2094170ff6063efe94f35df9d7fbc\
        1d7d3aa6e7dafae5bab7b56f8ffba2b35838ef6d5b86b7ccaff0194ee3bf2ec34e030c4d695860e81186c168586118130c93\
        d3f7c63054a650994a652a9551a134aa864b8aa34675d41d9fb9e0127f9d488534292eb151c646051b156c54a99189e38511\
        5c522333bc6f8e07cea991056a64d170498d2c61a3fc33fa025ed4a4567f060000";
    const FIXED: &str = "1f8b080000000000020353768d08f1350e555046a50193649cd917000000";
    const STORED: &str = "1f8b0800000000000403010700f8ff234558544d335587a588e707000000";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    }

    fn playlist() -> String {
        (0..40).map(|number| format!("#EXT-X-PART:DURATION=1.024,URI=\"p{}.m4s\"\n", number * 7)).collect()
    }

    #[test]
    fn what_python_packed_is_unpacked() {
        assert_eq!(gunzip(&bytes(DYNAMIC)), Ok(playlist().into_bytes()));
        assert_eq!(gunzip(&bytes(FIXED)), Ok(b"#EXTM3U #EXTM3U #EXTM3U".to_vec()));
        assert_eq!(gunzip(&bytes(STORED)), Ok(b"#EXTM3U".to_vec()));
    }

    #[test]
    fn what_ends_early_or_is_none_is_damaged() {
        let whole = bytes(DYNAMIC);
        (0..whole.len() - 9).for_each(|end| assert_eq!(gunzip(&whole[..end]), Err(Damaged)));
        assert_eq!(gunzip(b"#EXTM3U"), Err(Damaged));
    }
}
