//! Which simulcast layer a subscriber gets.

use crate::api::{Layer, Layers};

/// A layer that is silent this long, while another one of its track carries media, has stopped (seconds). A screen
/// that stands still is repeated once a second in every layer: that is no stop.
pub const STOPPED_S: f64 = 1.25;
/// The whole track: no packet at all for this long. Two repetitions of a still screen may be lost.
const SILENT_S: f64 = 3.0;

/// The best layer that carries media and may be sent.
///
/// A track without small layers is sent all the same: what a subscriber may get is at least the lowest
/// one that its publisher announced (`declared`; empty when it names none).
pub fn choose_layer(highest: Layer, declared: Layers, live: Layers) -> Option<Layer> {
    let limit = highest.max(declared.iter().next().unwrap_or(Layer::High));
    live.iter().filter(|layer| *layer <= limit).last()
}

/// Layers that carry media, from the time of each one's last packet.
pub fn live_layers(last_media: impl Iterator<Item = (Layer, f64)> + Clone, now: f64) -> Layers {
    let newest = last_media.clone().map(|each| each.1).fold(f64::NEG_INFINITY, f64::max);
    if now - newest > SILENT_S {
        return Layers::default();
    }
    last_media.filter(|(_, last)| newest - last <= STOPPED_S).map(|(layer, _)| layer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Layer::{High, Low, Medium};

    #[test]
    fn the_best_layer_that_may_be_sent() {
        let all: Layers = [Low, Medium, High].into_iter().collect();
        let small: Layers = [Low].into_iter().collect();
        let large: Layers = [Medium, High].into_iter().collect();
        assert_eq!(choose_layer(Medium, all, all), Some(Medium));
        assert_eq!(choose_layer(Medium, all, small), Some(Low));
        assert_eq!(choose_layer(Low, large, large), Some(Medium));
        assert_eq!(choose_layer(Low, Layers::default(), large), Some(High));
        assert_eq!(choose_layer(Low, all, large), None);
    }

    #[test]
    fn a_layer_lives_while_media_comes() {
        let seen = [(Low, 10.0), (High, 8.7)];
        assert_eq!(live_layers(seen.into_iter(), 10.0), [Low].into_iter().collect());
        assert!(live_layers(seen.into_iter(), 13.1).is_empty());
        assert!(live_layers([].into_iter(), 0.0).is_empty());
    }
}
