//! Whatever may arrive, given to everything that reads it. Each target takes any bytes and panics where something does not hold:
//! `tests/short.rs` gives them a bounded, repeatable choice, `rust/fuzz` what libFuzzer finds.

pub mod bytes;
pub mod class;
pub mod dice;
pub mod history;
pub mod parsers;
pub mod runs;
pub mod sealed;
pub mod seeds;

pub type Target = fn(&[u8]);

/// By name, as `rust/fuzz/fuzz_targets` has them.
pub const TARGETS: [(&str, Target); 10] = [
    ("rtp", parsers::rtp),
    ("rtcp", parsers::rtcp),
    ("vp8", parsers::vp8),
    ("dependency", parsers::dependency),
    ("codecs", parsers::codecs),
    ("stun", parsers::stun),
    ("framing", parsers::framing),
    ("sealed", sealed::sealed),
    ("history", history::history),
    ("runs", runs::runs),
];
