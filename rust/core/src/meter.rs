//! How many bits a second each layer of a picture is: of those that came all the time that was counted.
//!
//! What stops or begins meanwhile (an encoder that nobody wants for now) is less in that time than it will be: by such a
//! number a narrow link would have room for the large picture.

use crate::layers::STOPPED_S;

/// Layers of one picture come so close together, seconds: a layer whose last packet is older than another's has stopped.
const TOGETHER_S: f64 = 0.3;

/// Of one layer.
#[derive(Clone, Copy)]
pub struct Meter {
    size: u64, // bytes since they were taken last
    // Of packets without a pause between them.
    since: f64,
    last: f64,
}

impl Default for Meter {
    fn default() -> Self {
        Self { size: 0, since: f64::NEG_INFINITY, last: f64::NEG_INFINITY }
    }
}

impl Meter {
    /// A packet with a payload of so many bytes came.
    pub fn count(&mut self, size: usize, now: f64) {
        if now - self.last > STOPPED_S {
            self.since = now;
        }
        self.last = now;
        self.size += size as u64;
    }

    pub fn last(&self) -> f64 {
        self.last
    }

    /// Bits a second from `since` (`None`: nothing was counted before) until now; what was counted is forgotten. `newest`: when a
    /// packet of any layer of the track came. `None`: it did not come all the time.
    pub fn take(&mut self, since: Option<f64>, newest: f64, now: f64) -> Option<i64> {
        let size = std::mem::take(&mut self.size);
        let since = since.filter(|since| {
            size > 0 && newest - self.last <= TOGETHER_S && self.since <= since + TOGETHER_S
        })?;
        Some(((size * 8) as f64 / (now - since)) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_or_begins_meanwhile_is_not_told() {
        let mut meter = Meter::default();
        for at in 0..20 {
            meter.count(100, f64::from(at) / 10.0);
        }
        assert_eq!(Meter { ..meter }.take(None, 1.9, 2.0), None);
        assert_eq!(Meter { ..meter }.take(Some(-0.4), 1.9, 2.0), None); // began later
        assert_eq!(Meter { ..meter }.take(Some(0.0), 2.3, 2.4), None); // others go on
        assert_eq!(meter.take(Some(0.0), 1.9, 2.0), Some(8_000));
        assert_eq!(meter.take(Some(2.0), 1.9, 4.0), None);
        meter.count(100, 5.0);
        assert_eq!(meter.take(Some(4.0), 5.0, 6.0), None);
    }
}
