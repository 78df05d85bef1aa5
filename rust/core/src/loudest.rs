//! Which voices of a room go on: the three loudest. Nobody follows four people at once, but everybody pays for it.
//!
//! Judged for each packet as it comes, by the level that its client wrote into it (RFC 6464): whoever begins to speak is
//! heard from the first packet, as long as one of the three places is silent.

use std::collections::HashMap;

use crate::api::Id;

/// Voices of a group that go on at one time.
const PLACES: usize = 3;
/// Levels here are in dB over silence: 127 - the -dBov of RFC 6464. From this one on somebody speaks (-50 dBov).
const SPEAKS: u8 = 77;
/// Seconds that a place outlives the last word, and that it is kept against a voice which is only somewhat louder.
const HOLD_S: f64 = 1.0;
/// How much louder, dB, a voice must be to take a place that has been held for `HOLD_S`, and one that has not.
const LOUDER: f64 = 6.0;
const MUCH_LOUDER: f64 = 15.0;
/// Share of the newest packet in the level of a voice: it rises within two packets, and falls within a second.
const RISES: f64 = 0.75;
const FALLS: f64 = 0.02;

#[derive(Clone, Copy)]
struct Voice {
    level: f64, // dB over silence, smoothed
    spoke: f64, // when it last was at `SPEAKS`
}

struct Place {
    track: usize,
    since: f64,
}

#[derive(Default)]
struct Group {
    voices: HashMap<usize, Voice>,
    places: Vec<Place>, // the oldest first
}

impl Group {
    fn heard(&mut self, track: usize, level: u8, now: f64) -> bool {
        let loud = f64::from(level);
        let voice = self.voices.entry(track).or_insert(Voice { level: 0.0, spoke: f64::NEG_INFINITY });
        if level >= SPEAKS {
            voice.spoke = now;
        }
        // A pause between words is no quieter voice.
        if level >= SPEAKS || now - voice.spoke >= HOLD_S {
            voice.level += (if loud > voice.level { RISES } else { FALLS }) * (loud - voice.level);
        }
        let smoothed = voice.level.min(loud);
        if self.places.iter().any(|place| place.track == track) {
            return true;
        }
        if self.places.len() >= PLACES {
            let Some(given_up) = self.weakest(level, smoothed, now) else {
                return false;
            };
            self.places.retain(|place| place.track != given_up);
        }
        self.places.push(Place { track, since: now });
        true
    }

    /// Whose place a voice of this level takes: one where nobody speaks before the quietest.
    fn weakest(&self, level: u8, smoothed: f64, now: f64) -> Option<usize> {
        let mut weakest: Option<(bool, f64, usize)> = None;
        for place in &self.places {
            let voice = self.voices.get(&place.track)?;
            let speaks = now - voice.spoke < HOLD_S;
            let margin = if now - place.since >= HOLD_S { LOUDER } else { MUCH_LOUDER };
            if smoothed >= voice.level + margin || (level >= SPEAKS && !speaks) {
                let found = (speaks, voice.level, place.track);
                if weakest.is_none_or(|(spoke, quiet, _)| (found.0, found.1) < (spoke, quiet)) {
                    weakest = Some(found);
                }
            }
        }
        weakest.map(|found| found.2)
    }
}

/// Of all groups of a forwarder; tracks by their keys.
#[derive(Default)]
pub struct Loudest {
    groups: HashMap<Id, Group>,
}

impl Loudest {
    /// Groups in which somebody was heard.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether an audio packet with this extension element goes on; without a group, or a level, it always does.
    pub fn heard(&mut self, group: &Id, track: usize, element: &[u8], now: f64) -> bool {
        let Some(level) = element.first().filter(|_| !group.is_empty()) else {
            return true;
        };
        if !self.groups.contains_key(group) {
            self.groups.insert(group.clone(), Group::default());
        }
        let found = self.groups.get_mut(group);
        found.is_none_or(|group| group.heard(track, 127 - (level & 0x7F), now))
    }

    /// Muted by the server, unpublished, or no longer of this group: its place is free.
    pub fn gone(&mut self, group: &Id, track: usize) {
        let Some(found) = self.groups.get_mut(group) else {
            return;
        };
        found.voices.remove(&track);
        found.places.retain(|place| place.track != track);
        if found.voices.is_empty() {
            self.groups.remove(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: [u8; 1] = [30];
    const NOISE: [u8; 1] = [90];

    #[test]
    fn three_go_on_and_who_speaks_into_a_silence_is_heard_at_once() {
        let (mut loudest, room) = (Loudest::default(), Id::from("room"));
        for packet in 0..100 {
            let now = f64::from(packet) / 50.0;
            assert!((0..2).all(|track| loudest.heard(&room, track, &LOUD, now)));
            assert!(loudest.heard(&room, 2, &NOISE, now));
            assert!(!loudest.heard(&room, 3, &NOISE, now));
        }
        assert!(loudest.heard(&room, 3, &LOUD, 2.0));
        assert!(!loudest.heard(&room, 2, &NOISE, 2.0));
        assert!(!loudest.heard(&room, 2, &LOUD, 2.0));
        loudest.gone(&room, 0);
        assert!(loudest.heard(&room, 2, &LOUD, 2.0));
    }

    #[test]
    fn without_a_group_or_a_level_nobody_is_held_back_and_nothing_is_kept() {
        let (mut loudest, room) = (Loudest::default(), Id::from("room"));
        assert!((0..9).all(|track| loudest.heard(&Id::from(""), track, &LOUD, 0.0)));
        assert!((0..9).all(|track| loudest.heard(&room, track, &[], 0.0)));
        assert!(loudest.groups.is_empty());
        assert!(loudest.heard(&room, 1, &NOISE, 0.0));
        loudest.gone(&room, 1);
        assert!(loudest.groups.is_empty());
    }
}
