//! What Python tells: wires (sockets with keys), streams, commands. One line each, words of the form `name=value`.
//! Pure.

use std::collections::HashMap;

use sferum_forwarder_core::api::{SrtpKeys, SrtpProfile};

/// A connected UDP socket whose handshakes are done.
pub struct WirePlan {
    pub fd: i32,
    pub keys: SrtpKeys,
    /// A STUN request, ready to be sent again: consent (RFC 7675).
    pub check: Vec<u8>,
    /// Of our side, for answers to the server's checks.
    pub pwd: String,
    /// Id of the transport-wide sequence number in what comes; 0: none.
    pub transport_cc: u8,
    /// Transport-wide number of the last packet that was sent before.
    pub sent: u16,
    /// RTX payload type → what it repairs; only these are asked for again.
    pub rtx: HashMap<u8, u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Audio,
    Video,
}

/// What one publisher sends, evenly: a burst of `packets` of `size` payload bytes every `period_us`.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamPlan {
    pub kind: Kind,
    pub wire: usize,
    pub ssrc: u32,
    pub payload_type: u8,
    pub mid: String,
    pub mid_id: u8,
    pub cc_id: u8,
    pub level_id: u8,
    pub period_us: u64,
    pub offset_us: u64,
    pub packets: u32,
    pub size: usize,
    /// Of the last packet that was sent before; 0: none was.
    pub sequence: u16,
    pub timestamp: u32,
    pub picture: u16,
}

pub enum Line {
    /// Which processor is ours; what real-time priority we ask for.
    Place {
        cpu: usize,
        priority: i32,
    },
    Wire(WirePlan),
    Stream(StreamPlan),
    /// Send for `warm` and then `seconds`; measure the latter. `pids`: whose CPU.
    Window {
        warm: f64,
        seconds: f64,
        pids: Vec<u32>,
    },
    /// CPU of one plain UDP send.
    Floor {
        size: usize,
        packets: usize,
    },
}

/// Which word is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct BadLine(pub String);

pub fn parse(line: &str) -> Result<Line, BadLine> {
    let mut words = line.split_whitespace();
    let what = words.next().unwrap_or_default();
    let found: HashMap<&str, &str> = words.filter_map(|word| word.split_once('=')).collect();
    let words = Words(&found);
    match what {
        "place" => Ok(Line::Place { cpu: words.number("cpu")?, priority: words.number("priority")? }),
        "wire" => wire(&words).map(Line::Wire),
        "stream" => stream(&words).map(Line::Stream),
        "window" => Ok(Line::Window {
            warm: words.number("warm")?,
            seconds: words.number("seconds")?,
            pids: words.list("pids")?,
        }),
        "floor" => Ok(Line::Floor { size: words.number("size")?, packets: words.number("packets")? }),
        _ => Err(BadLine(what.to_owned())),
    }
}

fn wire(words: &Words<'_>) -> Result<WirePlan, BadLine> {
    let pairs: Vec<String> = words.list("rtx")?;
    let rtx = pairs.iter().map(|pair| {
        let (rtx, repaired) = pair.split_once(':')?;
        Some((rtx.parse().ok()?, repaired.parse().ok()?))
    });
    Ok(WirePlan {
        fd: words.number("fd")?,
        keys: SrtpKeys {
            profile: profile(words.text("profile")?)?,
            rx_key: words.hex("rx_key")?,
            rx_salt: words.hex("rx_salt")?,
            tx_key: words.hex("tx_key")?,
            tx_salt: words.hex("tx_salt")?,
        },
        check: words.hex("check")?,
        pwd: words.text("pwd")?.to_owned(),
        transport_cc: words.number("transport_cc")?,
        sent: words.number("sent")?,
        rtx: rtx.collect::<Option<_>>().ok_or(BadLine("rtx".to_owned()))?,
    })
}

fn stream(words: &Words<'_>) -> Result<StreamPlan, BadLine> {
    Ok(StreamPlan {
        kind: match words.text("kind")? {
            "audio" => Kind::Audio,
            "video" => Kind::Video,
            _ => return Err(BadLine("kind".to_owned())),
        },
        wire: words.number("wire")?,
        ssrc: words.number("ssrc")?,
        payload_type: words.number("payload_type")?,
        mid: words.text("mid")?.to_owned(),
        mid_id: words.number("mid_id")?,
        cc_id: words.number("cc_id")?,
        level_id: words.number("level_id")?,
        period_us: words.number("period_us")?,
        offset_us: words.number("offset_us")?,
        packets: words.number("packets")?,
        size: words.number("size")?,
        sequence: words.number("sequence")?,
        timestamp: words.number("timestamp")?,
        picture: words.number("picture")?,
    })
}

/// RFC 5764 4.1.2, RFC 7714 14.2.
fn profile(name: &str) -> Result<SrtpProfile, BadLine> {
    match name {
        "SRTP_AES128_CM_SHA1_80" => Ok(SrtpProfile::Aes128CmSha1_80),
        "SRTP_AEAD_AES_128_GCM" => Ok(SrtpProfile::AeadAes128Gcm),
        "SRTP_AEAD_AES_256_GCM" => Ok(SrtpProfile::AeadAes256Gcm),
        _ => Err(BadLine("profile".to_owned())),
    }
}

struct Words<'a>(&'a HashMap<&'a str, &'a str>);

impl Words<'_> {
    fn text(&self, name: &str) -> Result<&str, BadLine> {
        self.0.get(name).copied().ok_or_else(|| BadLine(name.to_owned()))
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, BadLine> {
        self.text(name)?.parse().map_err(|_| BadLine(name.to_owned()))
    }

    /// Separated by commas; may be empty.
    fn list<T: std::str::FromStr>(&self, name: &str) -> Result<Vec<T>, BadLine> {
        let each = self.text(name)?.split(',').filter(|one| !one.is_empty());
        each.map(|one| one.parse().map_err(|_| BadLine(name.to_owned()))).collect()
    }

    fn hex(&self, name: &str) -> Result<Vec<u8>, BadLine> {
        let text = self.text(name)?;
        let bytes = (0..text.len()).step_by(2).map(|at| {
            let pair = text.get(at..at + 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        bytes.collect::<Option<_>>().ok_or_else(|| BadLine(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &str = "wire fd=7 profile=SRTP_AEAD_AES_128_GCM rx_key=00ff rx_salt=01 tx_key=02 tx_salt=03 \
                        check=0001 pwd=abc+/= transport_cc=3 sent=5 rtx=97:96,99:98";

    #[test]
    fn a_wire_has_keys_and_what_can_be_asked_for_again() {
        let Ok(Line::Wire(wire)) = parse(WIRE) else { panic!("not a wire") };
        assert_eq!((wire.fd, wire.transport_cc, wire.sent, wire.pwd.as_str()), (7, 3, 5, "abc+/="));
        assert_eq!((wire.keys.rx_key, wire.check), (vec![0, 255], vec![0, 1]));
        assert_eq!(wire.rtx, HashMap::from([(97, 96), (99, 98)]));
    }

    #[test]
    fn a_wrong_word_is_named() {
        let named = |line: &str| parse(line).err().map(|BadLine(word)| word);
        assert_eq!(named(&WIRE.replace("fd=7", "fd=x")), Some("fd".to_owned()));
        assert_eq!(named(&WIRE.replace("00ff", "00f")), Some("rx_key".to_owned()));
        assert_eq!(named(&WIRE.replace("97:96", "97-96")), Some("rtx".to_owned()));
        assert_eq!(named("window warm=1 seconds=2"), Some("pids".to_owned()));
        assert_eq!(named("sink"), Some("sink".to_owned()));
    }

    #[test]
    fn lists_may_be_empty() {
        let Ok(Line::Window { pids, .. }) = parse("window warm=0.5 seconds=4 pids=") else { panic!() };
        assert_eq!(pids, []);
    }
}
