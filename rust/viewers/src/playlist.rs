//! What a player reads from LL-HLS playlists (RFC 8216bis). Pure.

/// A media playlist.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Playlist {
    /// Of the part that comes next: its segment's number, and its place in it.
    pub next: (u64, u64),
    /// The newest init segment; empty where a delta update leaves it out.
    pub map: String,
    /// In their order.
    pub parts: Vec<String>,
    pub ended: bool,
}

/// `None`: no playlist.
pub fn read(text: &str) -> Option<Playlist> {
    let mut found = Playlist::default();
    let mut lines = text.lines();
    (lines.next()? == "#EXTM3U").then_some(())?;
    for line in lines {
        if let Some(number) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
            found.next.0 = number.parse().ok()?;
        } else if let Some(count) = line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS=") {
            let digits = count.split(',').next()?;
            found.next.0 += digits.parse::<u64>().ok()?;
        } else if let Some(attributes) = line.strip_prefix("#EXT-X-PART:") {
            found.parts.push(uri(attributes)?);
            found.next.1 += 1;
        } else if let Some(attributes) = line.strip_prefix("#EXT-X-MAP:") {
            found.map = uri(attributes)?;
        } else if line.starts_with("#EXTINF:") {
            found.next = (found.next.0 + 1, 0);
        } else if line == "#EXT-X-ENDLIST" {
            found.ended = true;
        }
    }
    Some(found)
}

/// The first quality of a multivariant playlist.
pub fn first_variant(text: &str) -> Option<&str> {
    text.strip_prefix("#EXTM3U")?.lines().find(|line| !line.is_empty() && !line.starts_with('#'))
}

fn uri(attributes: &str) -> Option<String> {
    attributes.split_once("URI=\"")?.1.split_once('"').map(|(uri, _)| uri.to_owned())
}

impl Playlist {
    /// Parts behind `last`; the newest `few` when that is not there (any more).
    pub fn behind(&self, last: &str, few: usize) -> &[String] {
        let begin = match self.parts.iter().rposition(|part| part == last) {
            Some(place) => place + 1,
            None => self.parts.len().saturating_sub(few),
        };
        &self.parts[begin..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i0.mp4\"\n\
        #EXT-X-PART:DURATION=1.024,URI=\"p28.m4s\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=1.024,URI=\"p29.m4s\"\n\
        #EXTINF:2.048,\ns7.m4s\n#EXT-X-PART:DURATION=1.024,URI=\"p30.m4s\"\n\
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p31.m4s\"\n";

    #[test]
    fn the_next_part_is_the_one_behind_the_last() {
        let found = read(TEXT).expect("a playlist");
        assert_eq!((found.next, found.map.as_str(), found.ended), ((8, 1), "i0.mp4", false));
        assert_eq!(found.parts, ["p28.m4s", "p29.m4s", "p30.m4s"]);
        assert_eq!(found.behind("p28.m4s", 1), ["p29.m4s", "p30.m4s"]);
        assert_eq!(found.behind("p99.m4s", 2), ["p29.m4s", "p30.m4s"]);
        assert!(found.behind("p30.m4s", 2).is_empty());
    }

    #[test]
    fn a_delta_update_counts_what_it_leaves_out() {
        let text =
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=4,X=1\n#EXTINF:4,\ns11.m4s\n";
        let found = read(text).expect("a playlist");
        assert_eq!((found.next, found.map.as_str()), ((12, 0), ""));
    }

    #[test]
    fn what_is_none_is_not_read() {
        for text in ["", "<html>", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x\n", "#EXTM3U\n#EXT-X-PART:DURATION=1\n"]
        {
            assert_eq!(read(text), None);
        }
    }

    #[test]
    fn the_first_quality_is_watched() {
        let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/live.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nw/live.m3u8\n";
        assert_eq!((first_variant(text), first_variant("#EXTM3U\n")), (Some("v/live.m3u8"), None));
    }
}
