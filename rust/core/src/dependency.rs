//! The dependency descriptor: which layers a frame belongs to, and what it needs (AV1 RTP payload v1.0, appendix A).
//!
//! It is in the clear with end-to-end encryption too, and describes VP9 as well as AV1. What a stream is made of (its
//! `Structure`) comes with keyframes; other packets refer to its templates, mostly with three bytes.

use std::ops::Deref;
use std::sync::Arc;

use crate::rtp::Malformed;

/// Template ids have six bits.
const MOST_TEMPLATES: usize = 64;
/// No codec refers to more frames than it has reference slots (AV1 6.8.2: eight).
pub const MOST_DIFFS: usize = 8;
/// Layers that VP9 (RFC 9628 4.2) and AV1 (6.2.3) number with two and three bits.
const MOST_SPATIAL: u8 = 4;
const MOST_TEMPORAL: u8 = 8;

/// Decode targets are counted with five bits; there are no more chains than targets.
const MOST_TARGETS: usize = 32;

/// A list that is copied with every packet: of N at most, on no heap.
#[derive(Clone, Copy)]
pub struct Few<T, const N: usize> {
    items: [T; N],
    count: usize,
}

impl<T: Copy + Default, const N: usize> Few<T, N> {
    fn push(&mut self, item: T) -> Result<(), Malformed> {
        *self.items.get_mut(self.count).ok_or(Malformed)? = item;
        self.count += 1;
        Ok(())
    }
}

impl<T: Copy + Default, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self { items: [T::default(); N], count: 0 }
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.items.get(..self.count).unwrap_or_default()
    }
}

impl<T: PartialEq, const N: usize> PartialEq for Few<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: std::fmt::Debug, const N: usize> std::fmt::Debug for Few<T, N> {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(to)
    }
}

/// A kind of frame; the fields are explained in `plain/dependency.py`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Template {
    pub spatial: u8,
    pub temporal: u8,
    pub dtis: Few<u8, MOST_TARGETS>,
    pub diffs: Few<u16, MOST_DIFFS>,
    pub chain_diffs: Few<u8, MOST_TARGETS>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Structure {
    pub offset: u8,
    pub templates: Vec<Template>,
    /// (spatial, temporal) of each decode target.
    pub targets: Vec<(u8, u8)>,
    /// The chain of each decode target; empty without chains.
    pub protected_by: Vec<u8>,
    /// (width, height) of each spatial layer; empty where not told.
    pub resolutions: Vec<(u32, u32)>,
}

/// What one packet says of its frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub number: u16,
    pub start: bool,
    pub end: bool,
    /// In the first packet of a keyframe.
    pub structure: Option<Arc<Structure>>,
    /// Bit i: decode target i can be decoded from here on; `None`: as before.
    pub active: Option<u32>,
    pub kind: Template,
}

/// The descriptor of a packet; `known` is the structure of the last keyframe.
pub fn parse_frame(data: &[u8], known: Option<&Structure>) -> Result<Frame, Malformed> {
    let mut bits = Bits { data, at: 0 };
    let (start, end) = (bits.flag()?, bits.flag()?);
    let id = bits.byte(6)?;
    let number = bits.take(16)? as u16;
    let (mut structure, mut active) = (None, None);
    let (mut own_dtis, mut own_diffs, mut own_chains, mut has_active) = (false, false, false, false);
    if data.len() > 3 {
        let has_structure = bits.flag()?;
        has_active = bits.flag()?;
        (own_dtis, own_diffs, own_chains) = (bits.flag()?, bits.flag()?, bits.flag()?);
        if has_structure {
            let read = read_structure(&mut bits)?;
            active = Some(u32::MAX >> (32 - read.targets.len().clamp(1, 32)));
            structure = Some(Arc::new(read));
        }
    }
    let known = structure.as_deref().or(known).ok_or(Malformed)?;
    if has_active {
        active = Some(bits.take(known.targets.len())?);
    }
    let at = usize::from(id.wrapping_sub(known.offset)) % MOST_TEMPLATES;
    let mut kind = *known.templates.get(at).ok_or(Malformed)?;
    if own_dtis {
        kind.dtis = bits.few(kind.dtis.len(), 2)?;
    }
    if own_diffs {
        kind.diffs = Few::default();
        loop {
            let size = bits.take(2)? as usize;
            if size == 0 {
                break;
            }
            kind.diffs.push(bits.take(4 * size)? as u16 + 1)?;
        }
    }
    if own_chains {
        kind.chain_diffs = bits.few(kind.chain_diffs.len(), 8)?;
    }
    Ok(Frame { number, start, end, structure, active, kind })
}

/// High to low order.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// At most 32.
    fn take(&mut self, count: usize) -> Result<u32, Malformed> {
        let mut value = 0;
        for at in self.at..self.at + count {
            let byte = *self.data.get(at / 8).ok_or(Malformed)?;
            value = value << 1 | u32::from(byte >> (7 - at % 8) & 1);
        }
        self.at += count;
        Ok(value)
    }

    fn flag(&mut self) -> Result<bool, Malformed> {
        Ok(self.take(1)? == 1)
    }

    /// A number of at most eight bits.
    fn byte(&mut self, width: usize) -> Result<u8, Malformed> {
        Ok(self.take(width)? as u8)
    }

    fn few(&mut self, count: usize, width: usize) -> Result<Few<u8, MOST_TARGETS>, Malformed> {
        let mut few = Few::default();
        for _ in 0..count {
            few.push(self.byte(width)?)?;
        }
        Ok(few)
    }

    /// A number of 0..limit-1, the lower ones in a bit less: `ns(n)` of A.8.2.
    fn below(&mut self, limit: u32) -> Result<u8, Malformed> {
        let width = 32 - limit.leading_zeros() as usize;
        let short = (1 << width) - limit;
        let value = self.take(width.saturating_sub(1))?;
        let value = if value < short { value } else { (value << 1) - short + self.take(1)? };
        Ok(value as u8)
    }
}

fn read_structure(bits: &mut Bits<'_>) -> Result<Structure, Malformed> {
    let offset = bits.byte(6)?;
    let targets = usize::from(bits.byte(5)?) + 1;
    let mut templates = read_layers(bits)?;
    for template in &mut templates {
        template.dtis = bits.few(targets, 2)?;
    }
    for template in &mut templates {
        while bits.flag()? {
            template.diffs.push(bits.take(4)? as u16 + 1)?;
        }
    }
    let chains = bits.below(targets as u32 + 1)?;
    let mut protected_by = Vec::new();
    if chains > 0 {
        for _ in 0..targets {
            protected_by.push(bits.below(u32::from(chains))?);
        }
        for template in &mut templates {
            template.chain_diffs = bits.few(usize::from(chains), 4)?;
        }
    }
    let mut resolutions = Vec::new();
    if bits.flag()? {
        for _ in 0..=templates.last().map_or(0, |each| each.spatial) {
            resolutions.push((bits.take(16)? + 1, bits.take(16)? + 1));
        }
    }
    let targets = (0..targets).map(|target| layers_of(&templates, target)).collect();
    Ok(Structure { offset, templates, targets, protected_by, resolutions })
}

/// Spatial and temporal layer of each template: A.8.2, `template_layers`.
fn read_layers(bits: &mut Bits<'_>) -> Result<Vec<Template>, Malformed> {
    let (mut spatial, mut temporal) = (0, 0);
    let mut templates = vec![Template::default()];
    loop {
        match bits.take(2)? {
            1 => temporal += 1,
            2 => (spatial, temporal) = (spatial + 1, 0),
            3 => return Ok(templates),
            _ => {}
        }
        if spatial >= MOST_SPATIAL || temporal >= MOST_TEMPORAL || templates.len() >= MOST_TEMPLATES {
            return Err(Malformed);
        }
        templates.push(Template { spatial, temporal, ..Template::default() });
    }
}

/// The highest layers that are present in a decode target.
fn layers_of(templates: &[Template], target: usize) -> (u8, u8) {
    let present = templates.iter().filter(|each| each.dtis.get(target).is_some_and(|dti| *dti != 0));
    present.fold((0, 0), |(spatial, temporal), each| (spatial.max(each.spatial), temporal.max(each.temporal)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `tests/media/forwarder/descriptors.py` writes L3T1_KEY, and a frame of L1T3 that says all itself.
    const KEYFRAME: [u8; 38] = [
        0xFC, 0xFF, 0xFA, 0xC7, 0x82, 0x22, 0x3A, 0xA0, 0x28, 0x80, 0x82, 0x49, 0x04, 0x90, 0x49, 0xAC, 0x00,
        0x0C, 0x84, 0x44, 0x44, 0xC8, 0x84, 0x48, 0x4E, 0x02, 0x7E, 0x01, 0x66, 0x04, 0xFE, 0x02, 0xCE, 0x09,
        0xFE, 0x05, 0x9F, 0x40,
    ];
    fn few<T: Copy + Default, const N: usize>(items: &[T]) -> Few<T, N> {
        let mut few = Few::default();
        items.iter().for_each(|item| few.push(*item).expect("few"));
        few
    }

    const OWN: [u8; 9] = [0x8A, 0x00, 0x09, 0x3F, 0x28, 0x62, 0x56, 0x64, 0x00];
    const NINE: [u8; 13] = [0xC7, 0, 1, 0x3D, 0x48, 0x20, 0x82, 0x08, 0x20, 0x82, 0x08, 0, 0];

    fn l1t3() -> Structure {
        let kind = |temporal, dtis: [u8; 3]| Template {
            temporal,
            dtis: few(&dtis),
            chain_diffs: few(&[1]),
            ..Template::default()
        };
        let templates = vec![kind(0, [2, 2, 2]), kind(0, [2, 2, 2]), kind(1, [0, 1, 2]), kind(2, [0, 0, 1])];
        Structure { offset: 7, templates, targets: vec![(0, 0), (0, 1), (0, 2)], ..Structure::default() }
    }

    #[test]
    fn a_keyframe_tells_what_the_stream_is_made_of() {
        let frame = parse_frame(&KEYFRAME, None).expect("well-formed");
        assert_eq!((frame.number, frame.start, frame.end, frame.active), (65_530, true, true, Some(5)));
        let structure = frame.structure.expect("a keyframe");
        assert_eq!(structure.targets, [(0, 0), (1, 0), (2, 0)]);
        assert_eq!(structure.protected_by, [0, 1, 2]);
        assert_eq!(structure.resolutions, [(320, 180), (640, 360), (1280, 720)]);
        let last = Template {
            spatial: 2,
            temporal: 0,
            dtis: few(&[0, 0, 2]),
            diffs: few(&[3]),
            chain_diffs: few(&[2, 1, 3]),
        };
        assert_eq!(structure.templates.last(), Some(&last));
        assert_eq!((structure.offset, structure.templates.len()), (60, 6));
    }

    #[test]
    fn a_frame_may_say_all_itself() {
        let frame = parse_frame(&OWN, Some(&l1t3())).expect("well-formed");
        let own = Template {
            spatial: 0,
            temporal: 2,
            dtis: few(&[3, 2, 1]),
            diffs: few(&[1, 300]),
            chain_diffs: few(&[200]),
        };
        assert_eq!((frame.number, frame.start, frame.end, frame.kind), (9, true, false, own));
    }

    #[test]
    fn what_is_no_descriptor_is_refused() {
        assert!(parse_frame(&NINE, Some(&l1t3())).is_err());
        assert!(parse_frame(&[0xC0, 0, 1], None).is_err());
        assert!((0..35).all(|size| parse_frame(&KEYFRAME[..size], None).is_err()));
        assert!(parse_frame(&[[0xC0, 0, 1, 0x80, 0].to_vec(), vec![0x55; 20]].concat(), None).is_err());
    }
}
