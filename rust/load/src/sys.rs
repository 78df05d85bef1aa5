//! System calls that std has no name for. Every `unsafe` of this program is here: each passes pointers to values that
//! live longer than the call, with their true sizes.
#![allow(unsafe_code)]

use std::mem::{size_of, size_of_val, zeroed};
use std::ptr::{from_mut, from_ref, null_mut};

/// Datagrams taken with one call, and the longest that is taken whole.
pub const BATCH: usize = 64;
const LONGEST: usize = 2_048;
const CONTROL: usize = 64; // bytes; a stamp takes 32

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
pub fn prepare(fd: i32, buffer: i32) {
    for (name, value) in [
        (libc::SO_TIMESTAMPNS, 1),
        (libc::SO_RCVBUF, buffer),
        (libc::SO_RCVBUFFORCE, buffer),
        (libc::SO_SNDBUFFORCE, buffer),
    ] {
        // SAFETY: an int, as each of these options wants.
        unsafe {
            libc::setsockopt(
                fd,
                libc::SOL_SOCKET,
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
    data: Vec<[u8; LONGEST]>,
    control: Vec<[u64; CONTROL / 8]>, // aligned as a cmsghdr is
    sizes: Vec<(usize, u64)>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            data: vec![[0; LONGEST]; BATCH],
            control: vec![[0; CONTROL / 8]; BATCH],
            sizes: Vec::with_capacity(BATCH),
        }
    }
}

impl Inbox {
    /// Takes what is there, at most `BATCH`; how many that was.
    pub fn receive(&mut self, fd: i32) -> usize {
        self.sizes.clear();
        // SAFETY: the parts point into `data` and `control`, whose sizes they carry; both outlive the call. The control
        // messages are read as the kernel left them.
        unsafe {
            let mut parts: [libc::iovec; BATCH] = zeroed();
            let mut heads: [libc::mmsghdr; BATCH] = zeroed();
            for (place, (data, control)) in self.data.iter_mut().zip(&mut self.control).enumerate() {
                parts[place] = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: LONGEST };
                let head = &mut heads[place].msg_hdr;
                head.msg_iov = &mut parts[place];
                head.msg_iovlen = 1;
                head.msg_control = control.as_mut_ptr().cast();
                head.msg_controllen = size_of_val(control) as _;
            }
            let count = libc::recvmmsg(fd, heads.as_mut_ptr(), BATCH as u32, libc::MSG_DONTWAIT, null_mut());
            for head in heads.iter().take(usize::try_from(count).unwrap_or(0)) {
                self.sizes.push((head.msg_len as usize, arrival(&head.msg_hdr)));
            }
        }
        self.sizes.len()
    }

    /// Whether there may be more.
    pub fn is_full(&self) -> bool {
        self.sizes.len() == BATCH
    }

    pub fn datagrams(&self) -> impl Iterator<Item = (&[u8], u64)> {
        (0..self.sizes.len()).map(|place| self.datagram(place))
    }

    /// A datagram of the last `receive`, and when it came: nanoseconds since 1970.
    pub fn datagram(&self, place: usize) -> (&[u8], u64) {
        let (size, at) = self.sizes[place];
        (&self.data[place][..size.min(LONGEST)], at)
    }
}

/// # Safety
/// `head` is one that the kernel has filled.
unsafe fn arrival(head: &libc::msghdr) -> u64 {
    // SAFETY: the macros walk what the kernel wrote; a stamp is a timespec, read without asking for its alignment.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(head);
        while !control.is_null() {
            if (*control).cmsg_level == libc::SOL_SOCKET && (*control).cmsg_type == libc::SCM_TIMESTAMPNS {
                let time: libc::timespec = libc::CMSG_DATA(control).cast::<libc::timespec>().read_unaligned();
                return time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
            }
            control = libc::CMSG_NXTHDR(head, control);
        }
    }
    0
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
        prepare(to.as_raw_fd(), 1 << 20);
        assert_eq!(send(from.as_raw_fd(), &[b"one".to_vec(), vec![7; 1_200]]), 2);
        let mut inbox = Inbox::default();
        assert_eq!(inbox.receive(to.as_raw_fd()), 2);
        assert_eq!(inbox.datagram(0).0, b"one");
        assert_eq!(inbox.datagram(1).0, vec![7; 1_200]);
        assert!(inbox.datagram(0).1 > 1_600_000_000_000_000_000);
        assert_eq!(inbox.receive(to.as_raw_fd()), 0);
    }

    #[test]
    fn a_thread_s_cpu_grows() {
        let before = thread_cpu_ns();
        std::hint::black_box((0..1_000_000_u64).sum::<u64>());
        assert!(thread_cpu_ns() > before);
    }
}
