//! Answers of HTTP/1.1 as they come, piece by piece (RFC 9112). Of a body as many bytes are kept as were asked for. Pure.

/// Bytes of a head, at most.
const LONGEST_HEAD: usize = 16_384;

/// What was answered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub gzip: bool,
    /// The server ends the connection after this.
    pub closes: bool,
    /// Bytes of the whole body.
    pub size: usize,
    /// Its beginning.
    pub body: Vec<u8>,
}

/// What came is no HTTP.
#[derive(Debug, PartialEq, Eq)]
pub struct NotHttp;

#[derive(Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Head,
    Counted(usize),
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailer,
}

/// One connection's answers, in their order.
#[derive(Debug, Default)]
pub struct Reader {
    at: At,
    line: Vec<u8>,
    now: Answer,
    keep: usize,
}

impl Reader {
    /// The next answer is another one; so much of its body is kept.
    pub fn expect(&mut self, keep: usize) {
        *self = Self { keep, line: std::mem::take(&mut self.line), ..Self::default() };
        self.line.clear();
    }

    /// Takes from the front of `data` what belongs to the answer; `Some` once it is whole.
    pub fn take(&mut self, data: &mut &[u8]) -> Result<Option<Answer>, NotHttp> {
        while !data.is_empty() {
            let whole = match self.at {
                At::Head => match self.until(data, b"\r\n\r\n", LONGEST_HEAD)? {
                    Some(head) => self.read_head(&head)?,
                    None => false,
                },
                At::Counted(left) => {
                    let left = left - self.body(data, left);
                    self.at = At::Counted(left);
                    left == 0
                }
                At::ChunkSize => {
                    if let Some(line) = self.until(data, b"\r\n", 64)? {
                        let digits = text(&line)?.split(';').next().unwrap_or_default().trim();
                        self.at = match usize::from_str_radix(digits, 16).map_err(|_| NotHttp)? {
                            0 => At::Trailer,
                            size => At::Chunk(size),
                        };
                    }
                    false
                }
                At::Chunk(left) => {
                    let left = left - self.body(data, left);
                    self.at = if left == 0 { At::ChunkEnd } else { At::Chunk(left) };
                    false
                }
                At::ChunkEnd => {
                    if self.until(data, b"\r\n", 2)?.is_some() {
                        self.at = At::ChunkSize;
                    }
                    false
                }
                At::Trailer => self.until(data, b"\r\n", 1_024)?.is_some_and(|line| line.len() == 2),
            };
            if whole {
                self.at = At::Head;
                return Ok(Some(std::mem::take(&mut self.now)));
            }
        }
        Ok(None)
    }

    /// Everything up to and with `end`.
    fn until(&mut self, data: &mut &[u8], end: &[u8], most: usize) -> Result<Option<Vec<u8>>, NotHttp> {
        while let Some((first, rest)) = data.split_first() {
            self.line.push(*first);
            *data = rest;
            if self.line.ends_with(end) {
                return Ok(Some(std::mem::take(&mut self.line)));
            }
            if self.line.len() >= most {
                return Err(NotHttp);
            }
        }
        Ok(None)
    }

    fn body(&mut self, data: &mut &[u8], left: usize) -> usize {
        let (piece, rest) = data.split_at(left.min(data.len()));
        let kept = piece.len().min(self.keep.saturating_sub(self.now.body.len()));
        self.now.body.extend_from_slice(&piece[..kept]);
        self.now.size += piece.len();
        *data = rest;
        piece.len()
    }

    /// Whether nothing follows.
    fn read_head(&mut self, head: &[u8]) -> Result<bool, NotHttp> {
        let mut lines = text(head)?.lines();
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).ok_or(NotHttp)?;
        let status = status.get(..3).and_then(|code| code.parse().ok()).ok_or(NotHttp)?;
        self.now = Answer { status, ..Answer::default() };
        self.at = At::Counted(0);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => self.at = At::Counted(value.parse().map_err(|_| NotHttp)?),
                "transfer-encoding" => self.at = At::ChunkSize,
                "content-encoding" => self.now.gzip = value == "gzip",
                "connection" => self.now.closes = value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        Ok(self.at == At::Counted(0))
    }
}

fn text(bytes: &[u8]) -> Result<&str, NotHttp> {
    std::str::from_utf8(bytes).map_err(|_| NotHttp)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\nhello\
        HTTP/1.1 503 Away\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";

    fn answers(pieces: usize) -> Vec<Answer> {
        let (mut reader, mut found) = (Reader::default(), Vec::new());
        reader.expect(4);
        for piece in TWO.chunks(pieces) {
            let mut data = piece;
            while let Some(answer) = reader.take(&mut data).expect("HTTP") {
                found.push(answer);
                reader.expect(9);
            }
        }
        found
    }

    #[test]
    fn answers_are_the_same_however_they_are_cut() {
        for pieces in [1, 2, 7, TWO.len()] {
            let found = answers(pieces);
            let first = Answer { status: 200, gzip: true, closes: false, size: 5, body: b"hell".to_vec() };
            let second = Answer { status: 503, gzip: false, closes: true, size: 5, body: b"abcde".to_vec() };
            assert_eq!(found, [first, second]);
        }
    }

    #[test]
    fn what_is_no_http_is_said_to_be_none() {
        for bytes in
            [&b"SSH-2.0\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", &[b'a'; 20_000]]
        {
            let mut data = bytes;
            assert_eq!(Reader::default().take(&mut data), Err(NotHttp));
        }
    }
}
