//! All viewers of this process, in one thread: a connection each, kept open, a request at a time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Result;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::connection::{Connection, Target};
use crate::figures::Figures;
use crate::http::Reader;
use crate::player::{Next, Player};
use crate::sys::Epoll;
use crate::texts::Texts;

/// Bytes taken from a socket with one call: a part of 300 kbit/s at once.
const BUFFER: usize = 65_536;
/// A request without an answer for so long is given up: longer than any server holds it.
const PATIENCE_NS: u64 = 30_000_000_000;
/// Whoever lost its connection comes back after this and up to a second more.
const AWAY_NS: u64 = 200_000_000;

pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

struct Viewer {
    path: String, // of the broadcast, with its pass
    player: Player,
    connection: Option<Connection>,
    reader: Reader,
    asked_ns: u64, // 0: nothing is asked now
}

pub struct Crowd {
    target: Target,
    epoll: Epoll,
    viewers: Vec<Viewer>,
    due: BinaryHeap<Reverse<(u64, usize)>>,
    buffer: Vec<u8>,
    plain: Vec<u8>,
    texts: Texts,
    looked_ns: u64,
    pub figures: Figures,
}

impl Crowd {
    pub fn new(target: Target, paths: Vec<String>) -> Result<Self> {
        let viewers = paths.into_iter().map(|path| Viewer {
            path,
            player: Player::default(),
            connection: None,
            reader: Reader::default(),
            asked_ns: 0,
        });
        Ok(Self {
            target,
            epoll: Epoll::new()?,
            viewers: viewers.collect(),
            due: BinaryHeap::new(),
            buffer: vec![0; BUFFER],
            plain: Vec::with_capacity(2 * BUFFER),
            texts: Texts::default(),
            looked_ns: 0,
            figures: Figures::default(),
        })
    }

    /// All come within that time, evenly.
    pub fn come(&mut self, within: Duration) {
        let (now, count) = (now_ns(), self.viewers.len().max(1) as u64);
        let within = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
        for number in 0..self.viewers.len() {
            self.due.push(Reverse((now + within / count * number as u64, number)));
        }
    }

    /// Those who ever had a part.
    pub fn fed(&self) -> usize {
        self.viewers.iter().filter(|viewer| viewer.player.fed_ns > 0).count()
    }

    /// What was seen since the last call.
    pub fn told(&mut self) -> String {
        let now = now_ns();
        let fed = self.viewers.iter().map(|viewer| viewer.player.fed_ns).filter(|at| *at > 0);
        let hungry_ns = fed.map(|at| now.saturating_sub(at)).max().unwrap_or(0);
        std::mem::take(&mut self.figures).json(self.fed(), hungry_ns)
    }

    /// Once around: whoever is due asks, whoever is answered goes on.
    pub fn turn(&mut self) {
        let mut now = now_ns();
        while let Some(Reverse((at, number))) = self.due.peek().copied() {
            if at > now {
                break;
            }
            self.due.pop();
            self.go(number, now);
        }
        for number in self.epoll.wait(5) {
            now = now_ns();
            if self.hear(number).is_err() {
                self.lose(number, now);
            }
        }
        if now > self.looked_ns + 1_000_000_000 {
            self.looked_ns = now;
            for number in 0..self.viewers.len() {
                let asked_ns = self.viewers[number].asked_ns;
                if asked_ns > 0 && asked_ns + PATIENCE_NS < now {
                    self.figures.errors += 1;
                    self.lose(number, now);
                }
            }
        }
    }

    fn go(&mut self, number: usize, now: u64) {
        if self.ask(number, now).is_err() {
            self.lose(number, now);
        }
    }

    fn ask(&mut self, number: usize, now: u64) -> Result<()> {
        let viewer = &mut self.viewers[number];
        if viewer.connection.is_none() {
            let connection = Connection::open(&self.target)?;
            self.epoll.add(connection.socket(), number)?;
            viewer.connection = Some(connection);
        }
        let (path, keep) = viewer.player.asks();
        viewer.reader.expect(keep);
        viewer.asked_ns = now;
        let request = format!(
            "GET {}{path} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n",
            viewer.path, self.target.name
        );
        viewer.connection.as_mut().map_or(Ok(()), |connection| connection.say(request.as_bytes()))
    }

    fn hear(&mut self, number: usize) -> Result<()> {
        loop {
            let Some(connection) = self.viewers[number].connection.as_mut() else { return Ok(()) };
            connection.flush()?;
            self.plain.clear();
            let more = connection.take(&mut self.buffer, &mut self.plain)?;
            if !self.plain.is_empty() {
                self.read(number)?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn read(&mut self, number: usize) -> Result<()> {
        let plain = std::mem::take(&mut self.plain);
        let result = self.answers(number, &plain);
        self.plain = plain;
        result
    }

    fn answers(&mut self, number: usize, plain: &[u8]) -> Result<()> {
        let mut data = plain;
        while !data.is_empty() {
            let viewer = &mut self.viewers[number];
            let taken = viewer.reader.take(&mut data).map_err(|_| std::io::Error::other("no HTTP"))?;
            let Some(answer) = taken else { break };
            let now = now_ns();
            viewer.asked_ns = 0;
            if answer.closes {
                viewer.connection = None;
            }
            match viewer.player.take(&answer, now, &mut self.texts, &mut self.figures) {
                Next::Now => self.ask(number, now)?,
                Next::At(at) => self.due.push(Reverse((at, number))),
                Next::Never => {}
            }
            if answer.closes {
                self.figures.reconnects += 1;
                break;
            }
        }
        Ok(())
    }

    /// Its connection is gone; it comes again unless it is over for it.
    fn lose(&mut self, number: usize, now: u64) {
        self.figures.reconnects += 1;
        let viewer = &mut self.viewers[number];
        let waits = viewer.asked_ns > 0 || viewer.connection.is_none();
        viewer.connection = None;
        viewer.asked_ns = 0;
        if waits {
            viewer.player.begin_again();
            let apart = number as u64 * 7_919 % 1_000 * 1_000_000; // no two at once
            self.due.push(Reverse((now + AWAY_NS + apart, number)));
        }
    }
}
