//! Datagrams out of the UDP socket: a peer's run of one size as one message that the kernel cuts (UDP_SEGMENT), the rest one by one.

use std::collections::HashSet;
use std::io::{ErrorKind, IoSlice};
use std::net::{SocketAddr, UdpSocket};

use crate::batch::run;
use crate::ignored::{Counters, Ignored};
use crate::sys::{MOST_MESSAGES, Outgoing, send, wait_writable};

/// Milliseconds that a full buffer is waited for, once for each `begin`; then its datagrams are dropped.
const PATIENCE_MS: u16 = 2;
/// Addresses that are remembered for refusing segments.
const MOST_REFUSING: usize = 4_096;

pub struct Sender {
    socket: UdpSocket,
    /// Whether the kernel cuts messages for this socket.
    segments: bool,
    /// It has done it already: what is refused now is the way to one address, which is narrower than the datagrams.
    proved: bool,
    refusing: HashSet<SocketAddr>,
    /// Has not waited since `begin`.
    patient: bool,
    pub sent: Sent,
}

/// Since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub messages: u64,
    pub datagrams: u64,
}

impl Sender {
    pub fn new(socket: UdpSocket, segments: bool) -> Self {
        let sent = Sent::default();
        Self { socket, segments, proved: false, refusing: HashSet::new(), patient: true, sent }
    }

    /// What came together is sent from now on, in however many batches.
    pub fn begin(&mut self) {
        self.patient = true;
    }

    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    pub fn has_segments(&self) -> bool {
        self.segments
    }

    /// What does not go is counted and dropped: late media is of no use.
    pub fn send(&mut self, batch: &[(SocketAddr, &[IoSlice<'_>])], counters: &Counters) {
        let mut messages = Vec::with_capacity(batch.len());
        for (to, parts) in batch {
            let mut left = *parts;
            while !left.is_empty() {
                let (count, segment) = if self.cuts_for(to) { run(left) } else { (1, 0) };
                let (taken, rest) = left.split_at(count.max(1));
                messages.push(Outgoing { to: *to, parts: taken, segment });
                left = rest;
            }
        }
        self.send_all(&messages, counters);
    }

    fn cuts_for(&self, to: &SocketAddr) -> bool {
        self.segments && !self.refusing.contains(to)
    }

    fn send_all(&mut self, mut left: &[Outgoing<'_>], counters: &Counters) {
        while let Some(first) = left.first() {
            let (mut done, mut blocked) = (1, 0);
            match send(&self.socket, left) {
                Ok(count) => {
                    done = count.clamp(1, MOST_MESSAGES);
                    for message in left.iter().take(done) {
                        self.sent.messages += 1;
                        self.sent.datagrams += message.parts.len() as u64;
                        self.proved |= message.segment > 0;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock && self.patient => {
                    self.patient = false;
                    wait_writable(&self.socket, PATIENCE_MS);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    done = left.len();
                    blocked = left.iter().map(|message| message.parts.len()).sum();
                }
                Err(error) if first.segment > 0 && refuses_segments(&error) => {
                    self.refused(first.to);
                    let one = |part| Outgoing { to: first.to, parts: std::slice::from_ref(part), segment: 0 };
                    let singly: Vec<_> = first.parts.iter().map(one).collect();
                    self.send_all(&singly, counters);
                }
                Err(_) => blocked = first.parts.len(), // there is no way (any more)
            }
            counters.add(Ignored::SendBlocked, blocked);
            left = left.get(done..).unwrap_or_default();
        }
    }

    /// The first refusal ends it for the socket: the kernel or the card cannot. Later ones for the address: its path takes
    /// less than our datagrams whole, which the kernel tells by the same error (`udp_send_skb`).
    fn refused(&mut self, to: SocketAddr) {
        if !self.proved {
            self.segments = false;
            return;
        }
        if self.refusing.len() >= MOST_REFUSING {
            self.refusing.clear();
        }
        self.refusing.insert(to);
    }
}

fn refuses_segments(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EIO | libc::EMSGSIZE | libc::EOPNOTSUPP))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket() -> (UdpSocket, SocketAddr) {
        let bound = UdpSocket::bind("127.0.0.1:0").expect("a port");
        bound.set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("a timeout");
        let address = bound.local_addr().expect("an address");
        (bound, address)
    }

    fn received(socket: &UdpSocket, count: usize) -> Vec<Vec<u8>> {
        let mut buffer = [0; 2_048];
        let one = |_| {
            let size = socket.recv(&mut buffer).expect("a datagram");
            buffer[..size].to_vec()
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn a_run_goes_as_one_message_and_comes_as_its_datagrams() {
        let (target, to) = socket();
        let mut sender = Sender::new(socket().0, true);
        let datagrams = [vec![1; 500], vec![2; 500], vec![3; 500], vec![4; 7], vec![5; 900]];
        let parts: Vec<_> = datagrams.iter().map(|each| IoSlice::new(each)).collect();
        let counters = Counters::default();
        sender.send(&[(to, &parts)], &counters);
        assert_eq!(received(&target, 5), datagrams);
        assert_eq!(sender.sent, Sent { messages: 2, datagrams: 5 });
        assert_eq!(counters.read().count(), 0);
    }

    #[test]
    fn where_the_kernel_refuses_they_go_one_by_one() {
        let (target, to) = socket();
        let mut sender = Sender::new(socket().0, true);
        let datagrams = vec![vec![9; 100]; 3];
        let parts: Vec<_> = datagrams.iter().map(|each| IoSlice::new(each)).collect();
        sender.refused(to);
        assert!(!sender.segments);
        let counters = Counters::default();
        sender.send(&[(to, &parts)], &counters);
        assert_eq!(received(&target, 3), datagrams);
        assert_eq!(sender.sent, Sent { messages: 3, datagrams: 3 });
        sender.segments = true;
        sender.proved = true;
        sender.refused(to);
        assert!(sender.segments && !sender.cuts_for(&to));
    }

    #[test]
    fn an_address_that_nothing_can_be_sent_to_costs_the_others_nothing() {
        let (target, to) = socket();
        let mut sender = Sender::new(socket().0, true);
        let parts = [IoSlice::new(b"one"), IoSlice::new(b"two")];
        let counters = Counters::default();
        let nowhere: SocketAddr = "[::1]:9".parse().expect("an address"); // of another family than the socket
        sender.send(&[(nowhere, &parts), (to, &parts)], &counters);
        assert_eq!(received(&target, 2), [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(counters.read().last(), Some((Ignored::SendBlocked, "send_blocked", 2)));
    }
}
