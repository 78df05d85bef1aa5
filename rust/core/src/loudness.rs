//! How loud each voice is, from the levels that clients write into every audio packet (RFC 6464).

use std::collections::BTreeMap;

use crate::api::Id;

/// Seconds between two events, LiveKit's pace of speaker updates.
const INTERVAL_S: f64 = 0.5;
/// Share of the newest half second in the smoothed level.
const NEWEST: f64 = 0.6;

/// Amplitude 0..1 of each level in -dBov (RFC 6464 3: 127 is silence), to six places as the specification has it.
const AMPLITUDE: [f64; 128] = [
    1.0, 0.891251, 0.794328, 0.707946, 0.630957, 0.562341, 0.501187, 0.446684, 0.398107, 0.354813, 0.316228,
    0.281838, 0.251189, 0.223872, 0.199526, 0.177828, 0.158489, 0.141254, 0.125893, 0.112202, 0.1, 0.089125,
    0.079433, 0.070795, 0.063096, 0.056234, 0.050119, 0.044668, 0.039811, 0.035481, 0.031623, 0.028184,
    0.025119, 0.022387, 0.019953, 0.017783, 0.015849, 0.014125, 0.012589, 0.01122, 0.01, 0.008913, 0.007943,
    0.007079, 0.00631, 0.005623, 0.005012, 0.004467, 0.003981, 0.003548, 0.003162, 0.002818, 0.002512,
    0.002239, 0.001995, 0.001778, 0.001585, 0.001413, 0.001259, 0.001122, 0.001, 0.000891, 0.000794,
    0.000708, 0.000631, 0.000562, 0.000501, 0.000447, 0.000398, 0.000355, 0.000316, 0.000282, 0.000251,
    0.000224, 0.0002, 0.000178, 0.000158, 0.000141, 0.000126, 0.000112, 0.0001, 0.000089, 0.000079, 0.000071,
    0.000063, 0.000056, 0.000050, 0.000045, 0.000040, 0.000035, 0.000032, 0.000028, 0.000025, 0.000022,
    0.000020, 0.000018, 0.000016, 0.000014, 0.000013, 0.000011, 0.000010, 0.000009, 0.000008, 0.000007,
    0.000006, 0.000006, 0.000005, 0.000004, 0.000004, 0.000004, 0.000003, 0.000003, 0.000003, 0.000002,
    0.000002, 0.000002, 0.000002, 0.000001, 0.000001, 0.000001, 0.000001, 0.000001, 0.000001, 0.000001,
    0.000001, 0.000001, 0.000001, 0.0,
];

struct Voice {
    track: Id,
    total: f64,
    packets: u32,
    smoothed: f64,
}

/// Of all audio tracks of a forwarder, by their keys.
#[derive(Default)]
pub struct LoudnessMeter {
    voices: BTreeMap<usize, Voice>,
    due: Option<f64>,
}

impl LoudnessMeter {
    /// Voices that are measured.
    pub fn len(&self) -> usize {
        self.voices.len()
    }

    /// An audio packet with this extension element came; an empty one says nothing.
    pub fn heard(&mut self, key: usize, track: &Id, element: &[u8], now: f64) {
        let Some(amplitude) = element.first().and_then(|level| AMPLITUDE.get(usize::from(level & 0x7F)))
        else {
            return;
        };
        let voice = self.voices.entry(key).or_insert_with(|| Voice {
            track: track.clone(),
            total: 0.0,
            packets: 0,
            smoothed: 0.0,
        });
        voice.total += amplitude;
        voice.packets += 1;
        if self.due.is_none() {
            self.due = Some(now + INTERVAL_S);
        }
    }

    pub fn gone(&mut self, key: usize) {
        self.voices.remove(&key);
    }

    pub fn next_wakeup(&self) -> Option<f64> {
        self.due
    }

    /// Every half second the smoothed levels; a track that fell silent is in it once more, with 0.0.
    pub fn poll(&mut self, now: f64) -> Option<Vec<(Id, f64)>> {
        if self.due.is_none_or(|due| now < due) {
            return None;
        }
        let mut levels = Vec::new();
        self.voices.retain(|_, voice| {
            let spoke = voice.packets > 0;
            let level = if spoke { voice.total / f64::from(voice.packets) } else { 0.0 };
            voice.smoothed += NEWEST * (level - voice.smoothed);
            let heard = voice.smoothed >= 0.001; // -60 dBov: below is nothing that anybody hears
            if !heard {
                voice.smoothed = 0.0;
            }
            voice.total = 0.0;
            voice.packets = 0;
            levels.push((voice.track.clone(), four_places(voice.smoothed)));
            heard || spoke
        });
        self.due = (!self.voices.is_empty()).then_some(now + INTERVAL_S);
        Some(levels)
    }
}

/// Rounded as Python's `round(level, 4)` does: by the decimal digits of the exact value.
fn four_places(level: f64) -> f64 {
    format!("{level:.4}").parse().unwrap_or(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_smoothed_and_silence_is_told_once() {
        let (mut meter, track) = (LoudnessMeter::default(), Id::from("TR"));
        meter.heard(1, &track, &[], 0.0);
        assert_eq!(meter.next_wakeup(), None);
        meter.heard(1, &track, &[0x80 | 20], 0.0);
        assert_eq!(meter.poll(0.4), None);
        assert_eq!(meter.poll(0.5), Some(vec![(track.clone(), 0.06)]));
        let mut silent = 0;
        while let Some(levels) = meter.poll(meter.next_wakeup().unwrap_or(0.0)) {
            silent += usize::from(levels.iter().all(|level| level.1 == 0.0));
        }
        assert_eq!(silent, 1);
    }
}
