//! When to ask a publisher for a keyframe.

use crate::api::Layer;

/// Seconds between two PLIs for one layer: a keyframe costs about a second of its bitrate, and more for the large ones.
pub fn min_interval_s(layer: Layer) -> f64 {
    match layer {
        Layer::Low => 0.5,
        Layer::Medium => 0.75,
        Layer::High => 1.0,
    }
}

/// Merges many subscribers' keyframe wishes into few PLIs (RFC 4585 6.3.1).
pub struct KeyframeRequester {
    min_interval_s: f64,
    wanted: bool,
    last_sent: f64,
}

impl KeyframeRequester {
    pub fn new(min_interval_s: f64) -> Self {
        Self { min_interval_s, wanted: false, last_sent: f64::NEG_INFINITY }
    }

    pub fn want(&mut self) {
        self.wanted = true;
    }

    pub fn keyframe_arrived(&mut self) {
        self.wanted = false;
    }

    /// Whether to send one PLI right now. The wish stays until a keyframe comes: a PLI can be lost.
    pub fn poll(&mut self, now: f64) -> bool {
        if !self.wanted || now - self.last_sent < self.min_interval_s {
            return false;
        }
        self.last_sent = now;
        true
    }

    /// When `poll` may next say yes; `None` while nobody wants a keyframe.
    pub fn next_wakeup(&self) -> Option<f64> {
        self.wanted.then_some(self.last_sent + self.min_interval_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_wishes_are_one_request_until_a_keyframe_comes() {
        let mut requester = KeyframeRequester::new(1.0);
        assert_eq!(requester.next_wakeup(), None);
        requester.want();
        requester.want();
        assert!(requester.poll(5.0));
        assert!(!requester.poll(5.9));
        assert_eq!(requester.next_wakeup(), Some(6.0));
        assert!(requester.poll(6.0));
        requester.keyframe_arrived();
        assert!(!requester.poll(9.0));
    }
}
