//! The values of `media/forwarder/api.py`, from Python and to it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDict, PyFrozenSet, PyMapping, PyString};
use sferum_forwarder_core::api::{
    Codec, Copied, DownTrack, Drop, Event, Extensions, Id, Kind, Layer, Layers, SrtpKeys, SrtpProfile, Stats,
    TrackIn, Want,
};

type Any<'py> = Bound<'py, PyAny>;

fn get<'py, T>(from: &Any<'py>, name: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    from.getattr(name)?.extract()
}

fn id(from: &Any<'_>, name: &str) -> PyResult<Id> {
    Ok(Id::from(get::<String>(from, name)?))
}

fn unknown(what: &str) -> PyErr {
    PyValueError::new_err(format!("unknown {what}"))
}

fn pairs<'py, K, V>(
    from: &Any<'py>,
    name: &str,
    key: impl Fn(&Any<'py>) -> PyResult<K>,
    value: impl Fn(&Any<'py>) -> PyResult<V>,
) -> PyResult<Vec<(K, V)>> {
    entries(&from.getattr(name)?, key, value)
}

fn entries<'py, K, V>(
    mapping: &Any<'py>,
    key: impl Fn(&Any<'py>) -> PyResult<K>,
    value: impl Fn(&Any<'py>) -> PyResult<V>,
) -> PyResult<Vec<(K, V)>> {
    let mapping = mapping.cast::<PyMapping>()?;
    let mut taken = Vec::new();
    for item in mapping.items()?.iter() {
        taken.push((key(&item.get_item(0)?)?, value(&item.get_item(1)?)?));
    }
    Ok(taken)
}

fn number<'py, T>(from: &Any<'py>) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    from.extract()
}

pub fn layer(from: &Any<'_>) -> PyResult<Layer> {
    match from.extract::<u8>()? {
        0 => Ok(Layer::Low),
        1 => Ok(Layer::Medium),
        2 => Ok(Layer::High),
        _ => Err(unknown("layer")),
    }
}

fn codec(from: &Any<'_>) -> PyResult<Codec> {
    let value = get::<String>(from, "value")?;
    let found = CODECS.iter().find(|each| each.1 == value);
    found.map(|each| each.0).ok_or_else(|| unknown("codec"))
}

fn kind(from: &Any<'_>) -> PyResult<Kind> {
    match get::<String>(from, "value")?.as_str() {
        "audio" => Ok(Kind::Audio),
        "video" => Ok(Kind::Video),
        _ => Err(unknown("kind")),
    }
}

pub fn keys(from: &Any<'_>) -> PyResult<SrtpKeys> {
    let profile = match get::<String>(&from.getattr("profile")?, "value")?.as_str() {
        "SRTP_AES128_CM_SHA1_80" => SrtpProfile::Aes128CmSha1_80,
        "SRTP_AEAD_AES_128_GCM" => SrtpProfile::AeadAes128Gcm,
        "SRTP_AEAD_AES_256_GCM" => SrtpProfile::AeadAes256Gcm,
        _ => return Err(unknown("SRTP profile")),
    };
    Ok(SrtpKeys {
        profile,
        rx_key: get(from, "rx_key")?,
        rx_salt: get(from, "rx_salt")?,
        tx_key: get(from, "tx_key")?,
        tx_salt: get(from, "tx_salt")?,
    })
}

fn extensions(from: &Any<'_>) -> PyResult<Extensions> {
    Ok(Extensions {
        mid: get(from, "mid")?,
        rid: get(from, "rid")?,
        repaired_rid: get(from, "repaired_rid")?,
        audio_level: get(from, "audio_level")?,
        transport_cc: get(from, "transport_cc")?,
        abs_send_time: get(from, "abs_send_time")?,
        dependency_descriptor: get(from, "dependency_descriptor")?,
        abs_capture_time: get(from, "abs_capture_time")?,
    })
}

pub fn track(from: &Any<'_>) -> PyResult<TrackIn> {
    Ok(TrackIn {
        sid: id(from, "sid")?,
        peer: id(from, "peer")?,
        kind: kind(&from.getattr("kind")?)?,
        mid: get(from, "mid")?,
        payload_types: pairs(from, "payload_types", number, codec)?,
        clock_rate: get(from, "clock_rate")?,
        rtx: pairs(from, "rtx", number, number)?,
        ssrcs: pairs(from, "ssrcs", number, layer)?,
        rids: pairs(from, "rids", number, layer)?,
        extensions: extensions(&from.getattr("extensions")?)?,
        group: id(from, "group")?,
    })
}

/// Of one call, by which objects they are: most down tracks of a description have the same.
pub struct Known<T>(Vec<(usize, T)>);

impl<T: Clone> Known<T> {
    fn read<'py>(&mut self, from: &Any<'py>, read: impl Fn(&Any<'py>) -> PyResult<T>) -> PyResult<T> {
        let address = from.as_ptr() as usize;
        if let Some((_, known)) = self.0.iter().find(|each| each.0 == address) {
            return Ok(known.clone());
        }
        let value = read(from)?;
        self.0.push((address, value.clone()));
        Ok(value)
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What down tracks of one call share; while all that is read is held by the caller.
#[derive(Default)]
pub struct KnownLooks {
    payload_types: Known<Vec<(Codec, (u8, u8))>>,
    extensions: Known<Extensions>,
    peers: Known<Id>,
    wants: Known<Want>,
}

pub fn down(from: &Any<'_>, known: &mut KnownLooks) -> PyResult<DownTrack> {
    Ok(DownTrack {
        id: id(from, "id")?,
        track: id(from, "track")?,
        peer: known.peers.read(&from.getattr("peer")?, |peer| Ok(Id::from(peer.extract::<String>()?)))?,
        mid: get(from, "mid")?,
        ssrc: get(from, "ssrc")?,
        rtx_ssrc: get(from, "rtx_ssrc")?,
        payload_types: known
            .payload_types
            .read(&from.getattr("payload_types")?, |mapping| entries(mapping, codec, number))?,
        extensions: known.extensions.read(&from.getattr("extensions")?, extensions)?,
        cname: get(from, "cname")?,
        first_sequence: get(from, "first_sequence")?,
        first_timestamp: get(from, "first_timestamp")?,
        first_picture_id: get(from, "first_picture_id")?,
    })
}

/// Of one of `down`s.
pub fn known_want(from: &Any<'_>, known: &mut KnownLooks) -> PyResult<Want> {
    known.wants.read(from, want)
}

pub fn want(from: &Any<'_>) -> PyResult<Want> {
    Ok(Want {
        layer: layer(&from.getattr("layer")?)?,
        temporal: get(from, "temporal")?,
        paused: get(from, "paused")?,
    })
}

/// Of which track, which layers.
pub fn tap(from: &Any<'_>) -> PyResult<(Id, Layers)> {
    let mut layers = Layers::default();
    for each in from.getattr("layers")?.try_iter()? {
        layers.add(layer(&each?)?);
    }
    Ok((id(from, "track")?, layers))
}

/// The words of `api.py`.
const CODECS: [(Codec, &str); 6] = [
    (Codec::Opus, "audio/opus"),
    (Codec::Red, "audio/red"),
    (Codec::Vp8, "video/VP8"),
    (Codec::Vp9, "video/VP9"),
    (Codec::Av1, "video/AV1"),
    (Codec::H264, "video/H264"),
];

/// The classes of what comes out.
pub struct Api {
    transmit: Py<PyAny>,
    layers_seen: Py<PyAny>,
    rates: Py<PyAny>,
    forwarding: Py<PyAny>,
    loudness: Py<PyAny>,
    quality: Py<PyAny>,
    estimate: Py<PyAny>,
    stats: Py<PyAny>,
    layer: Py<PyAny>,
    tapped: Py<PyAny>,
    tapped_clock: Py<PyAny>,
    codecs: Vec<(Codec, Py<PyAny>)>,
}

impl Api {
    pub fn import(py: Python<'_>) -> PyResult<Self> {
        let api = py.import("media.forwarder.api")?;
        let class = |name: &str| Ok::<_, PyErr>(api.getattr(name)?.unbind());
        Ok(Self {
            transmit: class("Transmit")?,
            layers_seen: class("LayersSeen")?,
            rates: class("Rates")?,
            forwarding: class("Forwarding")?,
            loudness: class("Loudness")?,
            quality: class("Quality")?,
            estimate: class("Estimate")?,
            stats: class("Stats")?,
            layer: class("Layer")?,
            tapped: class("Tapped")?,
            tapped_clock: class("TappedClock")?,
            codecs: CODECS
                .iter()
                .map(|(codec, value)| Ok((*codec, api.getattr("Codec")?.call1((*value,))?.unbind())))
                .collect::<PyResult<_>>()?,
        })
    }

    pub fn transmit<'py>(
        &self,
        py: Python<'py>,
        peer: &str,
        data: Bound<'py, PyBytes>,
    ) -> PyResult<Any<'py>> {
        self.transmit.bind(py).call1((PyString::new(py, peer), data))
    }

    fn layer<'py>(&self, py: Python<'py>, layer: Layer) -> PyResult<Any<'py>> {
        self.layer.bind(py).call1((layer as u8,))
    }

    pub fn event<'py>(&self, py: Python<'py>, event: &Event) -> PyResult<Any<'py>> {
        match event {
            Event::LayersSeen { track, layers } => {
                let layers: PyResult<Vec<_>> = layers.iter().map(|layer| self.layer(py, layer)).collect();
                let layers = PyFrozenSet::new(py, layers?)?;
                self.layers_seen.bind(py).call1((&**track, layers))
            }
            Event::Rates { track, layers } => {
                let rates = PyDict::new(py);
                for (layer, bps) in layers {
                    rates.set_item(self.layer(py, *layer)?, *bps)?;
                }
                self.rates.bind(py).call1((&**track, rates))
            }
            Event::Forwarding { down, layer } => {
                let layer = layer.map(|layer| self.layer(py, layer)).transpose()?;
                self.forwarding.bind(py).call1((&**down, layer))
            }
            Event::Loudness { levels } => {
                let levels = levels.iter().map(|(track, level)| (&**track, *level)).into_py_dict(py)?;
                self.loudness.bind(py).call1((levels,))
            }
            Event::Quality { peer, lost_up, lost_down, rtt_s, jitter_s } => {
                let values = (&**peer, *lost_up, *lost_down, *rtt_s, *jitter_s);
                self.quality.bind(py).call1(values)
            }
            Event::Estimate { peer, bitrate_bps, sent_bps, measured } => {
                self.estimate.bind(py).call1((&**peer, *bitrate_bps, *sent_bps, *measured))
            }
        }
    }

    pub fn copied<'py>(&self, py: Python<'py>, copy: &Copied) -> PyResult<Any<'py>> {
        match copy {
            Copied::Media { track, layer, codec, packet, at } => {
                let known = codec.and_then(|codec| self.codecs.iter().find(|each| each.0 == codec));
                let codec = known.map(|each| each.1.bind(py));
                let values = (&**track, self.layer(py, *layer)?, codec, PyBytes::new(py, packet), *at);
                self.tapped.bind(py).call1(values)
            }
            Copied::Clock { track, layer, ntp, rtp, at } => {
                self.tapped_clock.bind(py).call1((&**track, self.layer(py, *layer)?, *ntp, *rtp, *at))
            }
        }
    }

    pub fn stats<'py>(&self, py: Python<'py>, stats: &Stats) -> PyResult<Any<'py>> {
        let counted = Drop::ALL.iter().zip(stats.drops).filter(|(_, count)| *count > 0);
        let drops = counted.map(|((_, name), count)| (*name, count)).into_py_dict(py)?;
        let values = PyDict::new(py);
        values.set_item("packets_in", stats.packets_in)?;
        values.set_item("packets_out", stats.packets_out)?;
        values.set_item("bytes_in", stats.bytes_in)?;
        values.set_item("bytes_out", stats.bytes_out)?;
        values.set_item("drops", drops)?;
        values.set_item("plis_sent", stats.plis_sent)?;
        values.set_item("nacks_sent", stats.nacks_sent)?;
        values.set_item("nacks_received", stats.nacks_received)?;
        values.set_item("retransmitted", stats.retransmitted)?;
        values.set_item("tapped", stats.tapped)?;
        values.set_item("taps_lost", stats.taps_lost)?;
        self.stats.bind(py).call((), Some(&values))
    }
}
