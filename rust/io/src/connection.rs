//! A TCP connection of a client: packets in frames, and what waits because the client does not read.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::framing::{Framer, head};
use crate::ignored::Ignored;
use crate::sys::Poll;

/// Bytes that may wait for a client: a second of video. More is late anyway and is dropped.
pub const BACKLOG: usize = 256 * 1024;
/// Bytes read at once; what is left is told again.
const READ: usize = 64 * 1024;

pub struct Connection {
    stream: TcpStream,
    token: u64,
    poll: Arc<Poll>, // of the thread that reads it
    framer: Mutex<Framer>,
    backlog: Mutex<Vec<u8>>,
}

/// How a turn of reading ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    GoesOn,
    Ended,
    Malformed,
}

impl Connection {
    /// Whoever waits for `poll` is told of `token`.
    pub fn new(stream: TcpStream, token: u64, poll: Arc<Poll>) -> Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        poll.add(stream.as_raw_fd(), token)?;
        Ok(Self { stream, token, poll, framer: Mutex::default(), backlog: Mutex::default() })
    }

    /// Packets that have come.
    pub fn read(&self, take: impl FnMut(&[u8])) -> Reading {
        let mut buffer = vec![0; READ];
        let size = match (&self.stream).read(&mut buffer) {
            Ok(0) => return Reading::Ended,
            Ok(size) => size,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
            Err(_) => return Reading::Ended,
        };
        let mut framer = self.framer.lock().unwrap_or_else(PoisonError::into_inner);
        match framer.feed(buffer.get(..size).unwrap_or_default(), take) {
            Ok(()) => Reading::GoesOn,
            Err(_) => Reading::Malformed,
        }
    }

    fn backlog(&self) -> MutexGuard<'_, Vec<u8>> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From any thread; whole frames or nothing.
    pub fn send(&self, packet: &[u8]) -> std::result::Result<(), Ignored> {
        let head = head(packet).ok_or(Ignored::TooLong)?;
        let mut backlog = self.backlog();
        if backlog.len() > BACKLOG {
            return Err(Ignored::TcpSlow);
        }
        let waited = !backlog.is_empty();
        backlog.extend_from_slice(&head);
        backlog.extend_from_slice(packet);
        if !waited {
            self.write(&mut backlog);
            if !backlog.is_empty() {
                self.watch(true);
            }
        }
        Ok(())
    }

    /// It can be written again.
    pub fn writable(&self) {
        let mut backlog = self.backlog();
        self.write(&mut backlog);
        if backlog.is_empty() {
            self.watch(false);
        }
    }

    /// As much as goes. A connection that broke loses what waits; reading tells its end.
    fn write(&self, backlog: &mut Vec<u8>) {
        let mut at = 0;
        while let Some(left) = backlog.get(at..).filter(|left| !left.is_empty()) {
            match (&self.stream).write(left) {
                Ok(size) => at += size,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(_) => at = backlog.len(),
            }
        }
        backlog.drain(..at);
    }

    /// Whether to be told when it can be written. It fails for a connection that is closed already only.
    fn watch(&self, writing: bool) {
        let _closed = self.poll.change(self.stream.as_raw_fd(), self.token, writing);
    }

    /// No thread is told of it any more.
    pub fn close(&self) {
        let _closed_already = self.poll.remove(self.stream.as_raw_fd());
        let _closed_by_client = self.stream.shutdown(Shutdown::Both);
    }
}
