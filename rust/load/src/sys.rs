//! System calls that std has no name for. Every `unsafe` of this program is here: each passes pointers to values that
//! live longer than the call, with their true sizes.
#![allow(unsafe_code)]

use std::mem::{size_of, size_of_val, zeroed};
use std::ptr::{from_mut, from_ref, null_mut};

/// Messages taken with one call, and the longest that is taken whole: a datagram, or segments that came together.
pub const BATCH: usize = 64;
const LONGEST: usize = 2_048;
const LONGEST_SEGMENTED: usize = 65_536;
const CONTROL: usize = 64; // bytes; a stamp takes 32, the size of segments 24

/// Whether this thread is on that processor from now on.
pub fn pin(cpu: usize) -> bool {
    // SAFETY: a cpu_set_t of zeros is an empty set.
    unsafe {
        let mut set: libc::cpu_set_t = zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) == 0
    }
}

/// Whether this thread has real-time priority from now on (root, or RLIMIT_RTPRIO).
pub fn real_time(priority: i32) -> bool {
    // SAFETY: a parameter with nothing but its priority.
    unsafe {
        let mut asked: libc::sched_param = zeroed();
        asked.sched_priority = priority;
        libc::sched_setscheduler(0, libc::SCHED_FIFO, &asked) == 0
    }
}

/// CPU of this thread, nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    // SAFETY: the call fills it.
    unsafe {
        let mut time: libc::timespec = zeroed();
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time);
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }
}

/// The kernel's time of arrival with each datagram, and a buffer of this size (beyond the limit where root).
///
/// `segmented`: segments that were sent together come together (`UDP_GRO`), so that on loopback the sender does not pay
/// for taking them apart, as it does not where a network card does that.
pub fn prepare(fd: i32, buffer: i32, segmented: bool) {
    for (level, name, value) in [
        (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1),
        (libc::SOL_SOCKET, libc::SO_RCVBUF, buffer),
        (libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, buffer),
        (libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, buffer),
        (libc::SOL_UDP, libc::UDP_GRO, i32::from(segmented)),
    ] {
        // SAFETY: an int, as each of these options wants.
        unsafe {
            libc::setsockopt(
                fd,
                level,
                name,
                from_ref::<i32>(&value).cast(),
                size_of::<i32>() as libc::socklen_t,
            );
        }
    }
}

/// To where the socket is connected; how many were taken.
pub fn send(fd: i32, datagrams: &[Vec<u8>]) -> usize {
    let mut parts: Vec<libc::iovec> = datagrams
        .iter()
        .map(|one| libc::iovec { iov_base: one.as_ptr().cast_mut().cast(), iov_len: one.len() })
        .collect();
    // SAFETY: headers of zeros, each with the one part that is its datagram.
    unsafe {
        let mut heads: Vec<libc::mmsghdr> = parts
            .iter_mut()
            .map(|part| {
                let mut head: libc::mmsghdr = zeroed();
                head.msg_hdr.msg_iov = from_mut(part);
                head.msg_hdr.msg_iovlen = 1;
                head
            })
            .collect();
        let sent = libc::sendmmsg(fd, heads.as_mut_ptr(), heads.len() as u32, libc::MSG_DONTWAIT);
        usize::try_from(sent).unwrap_or(0)
    }
}

/// Buffers for what comes.
pub struct Inbox {
    data: Vec<Vec<u8>>,
    control: Vec<[u64; CONTROL / 8]>, // aligned as a cmsghdr is
    messages: usize,
    found: Vec<Found>,
}

/// A datagram: which message holds it, from where to where; when it came.
struct Found {
    place: usize,
    begin: usize,
    end: usize,
    at: u64,
}

impl Inbox {
    /// `segmented`: as the sockets are (`prepare`).
    pub fn new(segmented: bool) -> Self {
        let longest = if segmented { LONGEST_SEGMENTED } else { LONGEST };
        Self {
            data: vec![vec![0; longest]; BATCH],
            control: vec![[0; CONTROL / 8]; BATCH],
            messages: 0,
            found: Vec::with_capacity(BATCH),
        }
    }

    /// Takes what is there, at most `BATCH` messages; how many datagrams that was.
    pub fn receive(&mut self, fd: i32) -> usize {
        self.found.clear();
        // SAFETY: the parts point into `data` and `control`, whose sizes they carry; both outlive the call. The control
        // messages are read as the kernel left them.
        unsafe {
            let mut parts: [libc::iovec; BATCH] = zeroed();
            let mut heads: [libc::mmsghdr; BATCH] = zeroed();
            for (place, (data, control)) in self.data.iter_mut().zip(&mut self.control).enumerate() {
                parts[place] = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: data.len() };
                let head = &mut heads[place].msg_hdr;
                head.msg_iov = &mut parts[place];
                head.msg_iovlen = 1;
                head.msg_control = control.as_mut_ptr().cast();
                head.msg_controllen = size_of_val(control) as _;
            }
            let count = libc::recvmmsg(fd, heads.as_mut_ptr(), BATCH as u32, libc::MSG_DONTWAIT, null_mut());
            self.messages = usize::try_from(count).unwrap_or(0);
            for (place, head) in heads.iter().take(self.messages).enumerate() {
                let (at, segment) = told(&head.msg_hdr);
                let size = (head.msg_len as usize).min(self.data[place].len());
                let step = segment.unwrap_or(size).max(1);
                for begin in (0..size.max(1)).step_by(step) {
                    self.found.push(Found { place, begin, end: (begin + step).min(size), at });
                }
            }
        }
        self.found.len()
    }

    /// Whether there may be more.
    pub fn is_full(&self) -> bool {
        self.messages == BATCH
    }

    pub fn datagrams(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.found.iter().map(|one| (&self.data[one.place][one.begin..one.end], one.at))
    }
}

/// # Safety
/// `head` is one that the kernel has filled.
///
/// When it came, nanoseconds since 1970; of how many bytes its segments are, if there are several.
unsafe fn told(head: &libc::msghdr) -> (u64, Option<usize>) {
    let (mut at, mut segment) = (0, None);
    // SAFETY: the macros walk what the kernel wrote; a stamp is a timespec and a size an int, read without asking for
    // their alignment.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(head);
        while !control.is_null() {
            match ((*control).cmsg_level, (*control).cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    let time: libc::timespec =
                        libc::CMSG_DATA(control).cast::<libc::timespec>().read_unaligned();
                    at = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
                }
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    segment = usize::try_from(libc::CMSG_DATA(control).cast::<i32>().read_unaligned()).ok();
                }
                _ => {}
            }
            control = libc::CMSG_NXTHDR(head, control);
        }
    }
    (at, segment)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn datagrams_come_whole_with_the_time_of_their_arrival() {
        let to = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let from = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        from.connect(to.local_addr().expect("an address")).expect("connected");
        for segmented in [false, true] {
            prepare(to.as_raw_fd(), 1 << 20, segmented);
            assert_eq!(send(from.as_raw_fd(), &[b"one".to_vec(), vec![7; 1_200], vec![]]), 3);
            let mut inbox = Inbox::new(segmented);
            assert_eq!(inbox.receive(to.as_raw_fd()), 3);
            let came: Vec<_> = inbox.datagrams().collect();
            assert_eq!(came.iter().map(|one| one.0).collect::<Vec<_>>(), [&b"one"[..], &[7; 1_200], &[]]);
            assert!(came.iter().all(|one| one.1 > 1_600_000_000_000_000_000));
            assert_eq!(inbox.receive(to.as_raw_fd()), 0);
        }
    }

    #[test]
    fn segments_that_were_sent_together_come_apart() {
        let to = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let from = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        from.connect(to.local_addr().expect("an address")).expect("connected");
        let segment = 1_000_i32;
        // SAFETY: an int, as the option wants.
        let granted = unsafe {
            let size = size_of::<i32>() as libc::socklen_t;
            let option = libc::UDP_SEGMENT;
            libc::setsockopt(from.as_raw_fd(), libc::SOL_UDP, option, from_ref::<i32>(&segment).cast(), size)
        };
        assert_eq!(granted, 0);
        prepare(to.as_raw_fd(), 1 << 20, true);
        let all: Vec<u8> = (0..2_500_u32).map(|one| (one / 1_000) as u8).collect();
        assert_eq!(from.send(&all).ok(), Some(2_500));
        let mut inbox = Inbox::new(true);
        assert_eq!(inbox.receive(to.as_raw_fd()), 3);
        let sizes: Vec<_> = inbox.datagrams().map(|one| (one.0.len(), one.0[0])).collect();
        assert_eq!(sizes, [(1_000, 0), (1_000, 1), (500, 2)]);
    }

    #[test]
    fn a_thread_s_cpu_grows() {
        let before = thread_cpu_ns();
        std::hint::black_box((0..1_000_000_u64).sum::<u64>());
        assert!(thread_cpu_ns() > before);
    }
}
