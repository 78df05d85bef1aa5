//! One viewer: what it fetches next, as hls.js does it. The list, the newest parts, then for ever: the list once it has
//! another part (RFC 8216bis 6.2.5.2), and that part. Pure.

use std::collections::VecDeque;

use crate::figures::Figures;
use crate::http::Answer;
use crate::texts::Texts;

/// Parts that a newcomer begins with: as far behind the edge as players stay.
const FIRST_PARTS: usize = 2;
/// Bytes of a playlist, and those of a part in which its clock stands.
const LONGEST_LIST: usize = 1 << 20;
const CLOCK: usize = 24;
/// After an answer that helps nobody; what `Retry-After` says everywhere here.
const REST_NS: u64 = 1_000_000_000;
/// Seconds from 1900 to 1970: NTP's clock to ours.
const NTP_TO_UNIX_S: u64 = 2_208_988_800;

#[derive(Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Main,
    /// `after`: answer when it has this part.
    List {
        after: Option<(u64, u64)>,
    },
    Init,
    Part,
}

/// When the next request goes out.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Now,
    At(u64),
    Never,
}

#[derive(Debug, Default)]
pub struct Player {
    step: Step,
    folder: String, // of its quality, with the slash
    map: String,
    last: String,
    parts: VecDeque<String>, // to fetch
    next: (u64, u64),
    over: bool,
    follows: bool, // a newcomer's first parts were published before it came
    /// When it had its last part, nanoseconds since 1970; 0: none yet.
    pub fed_ns: u64,
}

impl Player {
    /// Path behind the broadcast's, and how much of the answer is looked at.
    pub fn asks(&self) -> (String, usize) {
        let folder = &self.folder;
        match &self.step {
            Step::Main => ("main.m3u8".to_owned(), LONGEST_LIST),
            Step::List { after: None } => (format!("{folder}live.m3u8"), LONGEST_LIST),
            Step::List { after: Some((segment, part)) } => {
                (format!("{folder}live.m3u8?_HLS_msn={segment}&_HLS_part={part}&_HLS_skip=YES"), LONGEST_LIST)
            }
            Step::Init => (format!("{folder}{}", self.map), 0),
            Step::Part => (format!("{folder}{}", self.parts.front().map_or("", String::as_str)), CLOCK),
        }
    }

    /// `now_ns`: since 1970.
    pub fn take(&mut self, answer: &Answer, now_ns: u64, texts: &mut Texts, figures: &mut Figures) -> Next {
        figures.answered(answer.status, answer.size);
        let next = match answer.status {
            200 => match self.step {
                Step::Main => self.take_main(answer),
                Step::List { after } => self.take_list(answer, after.is_some(), texts),
                Step::Init => Some(Step::Part),
                Step::Part => self.take_part(answer, now_ns, figures),
            },
            _ => None,
        };
        let Some(next) = next else {
            figures.errors += 1;
            self.begin_again();
            return Next::At(now_ns + REST_NS);
        };
        self.step = next;
        if self.over && self.parts.is_empty() { Next::Never } else { Next::Now }
    }

    /// What was asked for may not come any more: the list tells what there is.
    pub fn begin_again(&mut self) {
        self.parts.clear();
        self.step = if self.folder.is_empty() { Step::Main } else { Step::List { after: None } };
    }

    fn take_main(&mut self, answer: &Answer) -> Option<Step> {
        let variant = Texts::variant(answer)?;
        self.folder = variant.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        Some(Step::List { after: None })
    }

    fn take_list(&mut self, answer: &Answer, waited: bool, texts: &mut Texts) -> Option<Step> {
        let list = texts.playlist(answer)?;
        self.parts = list.behind(&self.last, FIRST_PARTS).iter().cloned().collect();
        (self.next, self.over, self.follows) = (list.next, list.ended, waited);
        if self.parts.is_empty() {
            return Some(Step::List { after: Some(self.next) });
        }
        if list.map.is_empty() || self.map == list.map {
            return Some(Step::Part);
        }
        self.map.clone_from(&list.map);
        Some(Step::Init)
    }

    fn take_part(&mut self, answer: &Answer, now_ns: u64, figures: &mut Figures) -> Option<Step> {
        let published = published_ns(&answer.body)?;
        let lag_ns = self.follows.then(|| now_ns.saturating_sub(published));
        figures.fed(lag_ns, (self.fed_ns > 0).then(|| now_ns - self.fed_ns.min(now_ns)));
        self.fed_ns = now_ns;
        self.last = self.parts.pop_front()?;
        Some(if self.parts.is_empty() { Step::List { after: Some(self.next) } } else { Step::Part })
    }
}

/// The clock in a part's `prft` (ISO/IEC 14496-12 8.16.5), nanoseconds since 1970.
fn published_ns(part: &[u8]) -> Option<u64> {
    (part.get(4..8)? == b"prft").then_some(())?;
    let ntp = part.get(16..24)?.try_into().map(u64::from_be_bytes).ok()?;
    let seconds = (ntp >> 32).checked_sub(NTP_TO_UNIX_S)?;
    Some(seconds * 1_000_000_000 + (((ntp & 0xffff_ffff) * 1_000_000_000) >> 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_500_000_000;

    fn list(parts: &[u64], map: &str) -> Vec<u8> {
        let mut text = format!("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:3\n#EXT-X-MAP:URI=\"{map}\"\n");
        parts.iter().for_each(|number| text += &format!("#EXT-X-PART:DURATION=1,URI=\"p{number}.m4s\"\n"));
        text.into_bytes()
    }

    /// Published half a second before NOW.
    fn part() -> Vec<u8> {
        let clock = (1_800_000_000 + NTP_TO_UNIX_S) << 32;
        [&[0, 0, 0, 32][..], b"prft", &[1, 0, 0, 24, 0, 0, 0, 1], &clock.to_be_bytes()].concat()
    }

    struct Told {
        player: Player,
        texts: Texts,
        figures: Figures,
    }

    impl Told {
        fn tell(&mut self, asked: &str, status: u16, body: Vec<u8>) -> Next {
            assert_eq!(self.player.asks().0, asked);
            let answer = Answer { status, size: body.len(), body, ..Answer::default() };
            self.player.take(&answer, NOW, &mut self.texts, &mut self.figures)
        }
    }

    fn at_the_edge() -> Told {
        let mut told =
            Told { player: Player::default(), texts: Texts::default(), figures: Figures::default() };
        told.tell("main.m3u8", 200, b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/live.m3u8\n".to_vec());
        told.tell("v/live.m3u8", 200, list(&[0, 1, 2], "i0.mp4"));
        told.tell("v/i0.mp4", 200, vec![]);
        told.tell("v/p1.m4s", 200, part());
        told.tell("v/p2.m4s", 200, part());
        told
    }

    #[test]
    fn a_player_comes_and_then_waits_for_each_part() {
        let mut told = at_the_edge();
        assert_eq!((told.figures.parts, told.figures.late.total()), (2, 0));
        told.tell("v/live.m3u8?_HLS_msn=3&_HLS_part=3&_HLS_skip=YES", 200, list(&[0, 1, 2, 3], "i0.mp4"));
        assert_eq!(told.tell("v/p3.m4s", 200, part()), Next::Now);
        assert_eq!(told.player.asks().0, "v/live.m3u8?_HLS_msn=3&_HLS_part=4&_HLS_skip=YES");
        assert_eq!((told.figures.parts, told.figures.late.total(), told.figures.errors), (3, 1, 0));
        assert!((told.figures.late.quantile_ms(1.0) - 500.0).abs() < 1.0);
    }

    #[test]
    fn after_an_error_it_rests_and_looks_at_the_list() {
        let mut told = at_the_edge();
        let next = told.tell("v/live.m3u8?_HLS_msn=3&_HLS_part=3&_HLS_skip=YES", 503, vec![]);
        assert_eq!(next, Next::At(NOW + REST_NS));
        told.tell("v/live.m3u8", 200, list(&[7, 8, 9], "i1.mp4"));
        told.tell("v/i1.mp4", 200, vec![]);
        told.tell("v/p8.m4s", 200, part());
        assert_eq!(told.tell("v/p9.m4s", 200, b"<html>".to_vec()), Next::At(NOW + REST_NS));
        assert_eq!((told.figures.errors, told.figures.late.total()), (2, 0));
    }

    #[test]
    fn the_end_is_the_end() {
        let mut told = at_the_edge();
        let mut ended = list(&[0, 1, 2], "i0.mp4");
        ended.extend_from_slice(b"#EXT-X-ENDLIST\n");
        assert_eq!(told.tell("v/live.m3u8?_HLS_msn=3&_HLS_part=3&_HLS_skip=YES", 200, ended), Next::Never);
    }
}
