//! The system calls that std has no face for. The only file with `unsafe`: every pointer in it is of a value that lives until the
//! call returns, every length is that of the value, and what the kernel wrote is read only as far as it says it wrote.
#![allow(unsafe_code)]

use std::io::{Error, IoSlice, Result};
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{from_mut, null_mut};

use libc::{c_int, c_void, mmsghdr, sockaddr_in, sockaddr_in6, socklen_t};

/// Messages of one `sendmmsg`.
pub const MOST_MESSAGES: usize = 64;
/// Bytes of two control messages: a number, and a time.
const CONTROL: usize = 64;
/// Seconds for which a datagram can have waited; more than that is the clock, which was set (`media/transport/sockets.py`).
const MOST_WAITED_S: f64 = 2.0;
/// Bytes of a datagram that is not cut in two by the kernel's GRO, and of everything that GRO puts together.
pub const LONGEST: usize = 2_048;
const LONGEST_GRO: usize = 65_536;
/// Messages that are taken at once: one core's cache, about.
const TAKEN: usize = 64;
const TAKEN_GRO: usize = 16;
/// Of a media thread, where that is permitted (`LimitNICE=` of systemd).
const NICE: c_int = -5;

fn checked(result: c_int) -> Result<c_int> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(result) }
}

/// A descriptor that the kernel has just made.
fn owned(fd: c_int) -> Result<OwnedFd> {
    let fd = checked(fd)?;
    // SAFETY: it is new, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Seconds of CLOCK_MONOTONIC, Python's `time.monotonic`.
pub fn monotonic() -> f64 {
    let now = time_of(libc::CLOCK_MONOTONIC);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

fn time_of(clock: libc::clockid_t) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is written.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    now
}

/// Another descriptor of the same open file, for whoever is given a number only. `Err`: it names nothing.
pub fn duplicate(fd: RawFd) -> Result<OwnedFd> {
    // SAFETY: no memory is handed over; a number that names nothing is refused by the kernel.
    owned(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })
}

/// The calling thread goes before others of its process where the system permits it: pictures wait for nobody's
/// signalling. A real-time thread is one step above what it has inherited, another is nicer to itself by `NICE`.
pub fn go_before_others() {
    let mut inherited = libc::sched_param { sched_priority: 0 };
    // SAFETY: `inherited` is written, then read; 0 is the calling thread.
    unsafe {
        let policy = libc::sched_getscheduler(0);
        if policy != libc::SCHED_RR && policy != libc::SCHED_FIFO {
            libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
        } else if libc::sched_getparam(0, &raw mut inherited) == 0 {
            inherited.sched_priority += 1;
            libc::sched_setscheduler(0, policy, &raw const inherited);
        }
    }
}

// --- waiting

/// An eventfd: makes whoever waits for it look.
pub struct Wake(OwnedFd);

impl Wake {
    pub fn new() -> Result<Self> {
        // SAFETY: no memory is handed over.
        Ok(Self(owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?))
    }

    pub fn set(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight bytes are read. It fails only when it is set some 2^64 times already.
        unsafe { libc::write(self.fd(), one.as_ptr().cast(), one.len()) };
    }

    pub fn clear(&self) {
        let mut count = [0u8; 8];
        // SAFETY: eight bytes are written. It fails when it is not set.
        unsafe { libc::read(self.fd(), count.as_mut_ptr().cast(), count.len()) };
    }

    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Which descriptors can be read or written now.
pub struct Poll(OwnedFd);

#[derive(Clone, Copy)]
pub struct Ready {
    pub token: u64,
    pub readable: bool,
    pub writable: bool,
}

impl Poll {
    pub fn new() -> Result<Self> {
        // SAFETY: no memory is handed over.
        Ok(Self(owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?))
    }

    pub fn add(&self, fd: RawFd, token: u64) -> Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, false)
    }

    /// Whether it is to be told when it can be written, too.
    pub fn change(&self, fd: RawFd, token: u64, writing: bool) -> Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, writing)
    }

    pub fn remove(&self, fd: RawFd) -> Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, false)
    }

    fn control(&self, what: c_int, fd: RawFd, token: u64, writing: bool) -> Result<()> {
        let events = if writing { libc::EPOLLIN | libc::EPOLLOUT } else { libc::EPOLLIN };
        let mut event = libc::epoll_event { events: events as u32, u64: token };
        // SAFETY: `event` is read.
        checked(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), what, fd, &raw mut event) })?;
        Ok(())
    }

    /// For `timeout_s` at most, rounded up to milliseconds. What broke can be read: reading tells.
    pub fn wait(&self, timeout_s: f64, ready: &mut Vec<Ready>) {
        ready.clear();
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
        let timeout = (timeout_s * 1e3).ceil().clamp(0.0, 1e6) as c_int;
        // SAFETY: as many events are written as there are at most.
        let count = unsafe {
            libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), events.len() as c_int, timeout)
        };
        let count = usize::try_from(count).unwrap_or(0); // interrupted
        for event in events.iter().take(count) {
            let is = |flags: c_int| event.events & flags as u32 != 0;
            let readable = is(libc::EPOLLIN | libc::EPOLLHUP | libc::EPOLLERR | libc::EPOLLRDHUP);
            ready.push(Ready { token: event.u64, readable, writable: is(libc::EPOLLOUT) });
        }
    }
}

/// Until something can be sent, for `timeout_ms` at most.
pub fn wait_writable(socket: &impl AsRawFd, timeout_ms: u16) {
    let mut polled = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    // SAFETY: one pollfd is read and written.
    unsafe { libc::poll(&raw mut polled, 1, c_int::from(timeout_ms)) };
}

// --- addresses

/// What the kernel takes and gives as an address. Both begin with the family.
#[derive(Clone, Copy)]
#[repr(C)]
union Name {
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

impl Name {
    fn new() -> Self {
        // SAFETY: both are plain numbers; all zero is a value of both.
        unsafe { zeroed() }
    }

    fn write(address: SocketAddr) -> (Self, socklen_t) {
        let mut name = Self::new();
        match address {
            SocketAddr::V4(v4) => {
                name.v4 = sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                    sin_zero: [0; 8],
                };
                (name, size_of::<sockaddr_in>() as socklen_t)
            }
            SocketAddr::V6(v6) => {
                name.v6 = sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: v6.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                    sin6_scope_id: v6.scope_id(),
                };
                (name, size_of::<sockaddr_in6>() as socklen_t)
            }
        }
    }

    fn read(&self) -> Option<SocketAddr> {
        // SAFETY: the family stands at the same place in both, and every bit pattern is a value of both.
        let (family, v4, v6) = unsafe { (c_int::from(self.v4.sin_family), self.v4, self.v6) };
        match family {
            libc::AF_INET => {
                let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(v4.sin_port))))
            }
            libc::AF_INET6 => {
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                let port = u16::from_be(v6.sin6_port);
                Some(SocketAddr::V6(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id)))
            }
            _ => None,
        }
    }
}

/// Room for control messages, aligned as they are.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

// --- datagrams in

/// Where datagrams are received; with GRO several of one sender come as one message.
pub struct Inbox {
    memory: Vec<u8>,
    longest: usize,
    names: Vec<Name>,
    controls: Vec<Control>,
    taken: Vec<Taken>,
    /// CLOCK_REALTIME when they were taken.
    now: libc::timespec,
}

/// A message of the kernel's.
#[derive(Clone, Copy)]
struct Taken {
    bytes: usize,
    /// Bytes of a segment; 0: it is one datagram.
    segment: usize,
    /// When it came, by CLOCK_REALTIME, where the kernel says so.
    came: Option<libc::timespec>,
}

/// Of what one system call took.
pub struct Message<'a> {
    pub data: &'a [u8],
    pub from: SocketAddr,
    /// Bytes of each datagram in it; the last may be shorter.
    pub segment: usize,
    /// Seconds for which it lay in the kernel, 0 to `MOST_WAITED_S`.
    pub waited: f64,
}

impl Inbox {
    /// `gro`: as `receive_segments` answered.
    pub fn new(gro: bool) -> Self {
        let (longest, taken) = if gro { (LONGEST_GRO, TAKEN_GRO) } else { (LONGEST, TAKEN) };
        Self {
            memory: vec![0; longest * taken],
            longest,
            names: vec![Name::new(); taken],
            controls: vec![Control([0; CONTROL]); taken],
            taken: Vec::with_capacity(taken),
            now: time_of(libc::CLOCK_REALTIME),
        }
    }

    /// Whether there may be more than so many.
    pub fn is_filled_by(&self, count: usize) -> bool {
        count >= self.names.len()
    }

    /// Takes what is there. How many messages; `Err`: nothing, or the network says something about an old datagram.
    pub fn receive(&mut self, socket: &impl AsRawFd) -> Result<usize> {
        self.taken.clear();
        let mut parts: Vec<libc::iovec> = self
            .memory
            .chunks_exact_mut(self.longest)
            .map(|part| libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() })
            .collect();
        let places = parts.iter_mut().zip(&mut self.names).zip(&mut self.controls);
        let mut messages: Vec<mmsghdr> = places
            .map(|((part, name), control)| {
                let name = (from_mut(name).cast(), size_of::<Name>() as socklen_t);
                message(name, (part, 1), (control.0.as_mut_ptr().cast(), CONTROL))
            })
            .collect();
        // SAFETY: each message has a name, one part and control memory of the sizes it says, all borrowed until here.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                messages.as_mut_ptr(),
                messages.len() as u32,
                libc::MSG_DONTWAIT,
                null_mut(),
            )
        };
        let count = checked(count)? as usize;
        self.now = time_of(libc::CLOCK_REALTIME);
        self.taken.extend(messages.iter().take(count).map(taken));
        Ok(count)
    }

    /// A message of the last `receive`.
    pub fn message(&self, place: usize) -> Option<Message<'_>> {
        let &Taken { bytes, segment, came } = self.taken.get(place)?;
        let data = self.memory.chunks_exact(self.longest).nth(place)?.get(..bytes)?;
        let segment = if segment == 0 || segment > bytes { bytes } else { segment };
        let waited = came.map_or(0.0, |came| {
            (self.now.tv_sec - came.tv_sec) as f64 + (self.now.tv_nsec - came.tv_nsec) as f64 * 1e-9
        });
        let waited = waited.clamp(0.0, MOST_WAITED_S);
        Some(Message { data, from: self.names.get(place)?.read()?, segment, waited })
    }
}

/// Its length, and what its control messages say.
fn taken(message: &mmsghdr) -> Taken {
    let header = &message.msg_hdr;
    let mut taken = Taken { bytes: message.msg_len as usize, segment: 0, came: None };
    // SAFETY: the kernel wrote whole control messages of the length that the header has now, of these types with these values.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(header);
        while let Some(found) = at.as_ref() {
            let data = libc::CMSG_DATA(at);
            match (found.cmsg_level, found.cmsg_type) {
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    let size = data.cast::<c_int>().read_unaligned();
                    taken.segment = usize::try_from(size).unwrap_or(0);
                }
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    taken.came = Some(data.cast::<libc::timespec>().read_unaligned());
                }
                _ => (),
            }
            at = libc::CMSG_NXTHDR(header, at);
        }
    }
    taken
}

/// Datagrams that follow one another may come as one message. Whether the kernel does that.
pub fn receive_segments(socket: &impl AsRawFd) -> bool {
    switch_on(socket, libc::SOL_UDP, libc::UDP_GRO)
}

/// The kernel says of each message when it came. Whether it does that.
pub fn receive_times(socket: &impl AsRawFd) -> bool {
    switch_on(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS)
}

fn switch_on(socket: &impl AsRawFd, level: c_int, option: c_int) -> bool {
    let on: c_int = 1;
    let size = size_of::<c_int>() as socklen_t;
    // SAFETY: one int is read.
    unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const on).cast(), size) == 0 }
}

// --- datagrams out

/// `segment`: bytes of each datagram, where `parts` are several; 0: they are one.
pub struct Outgoing<'a> {
    pub to: SocketAddr,
    pub parts: &'a [IoSlice<'a>],
    pub segment: u16,
}

/// How many of the first `MOST_MESSAGES` were sent. `Err`: the first one was not.
pub fn send(socket: &impl AsRawFd, outgoing: &[Outgoing<'_>]) -> Result<usize> {
    let outgoing = outgoing.get(..MOST_MESSAGES.min(outgoing.len())).unwrap_or_default();
    let mut names = [const { None }; MOST_MESSAGES];
    let mut controls = [Control([0; CONTROL]); MOST_MESSAGES];
    let mut messages: Vec<mmsghdr> = Vec::with_capacity(outgoing.len());
    for ((out, name), control) in outgoing.iter().zip(&mut names).zip(&mut controls) {
        let (name, name_size) = name.insert(Name::write(out.to));
        let control = if out.segment == 0 { (null_mut(), 0) } else { segments_control(control, out.segment) };
        // IoSlice is an iovec (std says so); the kernel does not write to it.
        let parts = (out.parts.as_ptr().cast_mut().cast(), out.parts.len());
        messages.push(message((from_mut(name).cast(), *name_size), parts, control));
    }
    // SAFETY: names, parts and control messages are borrowed until here and have the sizes that the messages say.
    let sent = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            messages.as_mut_ptr(),
            messages.len() as u32,
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        )
    };
    Ok(checked(sent)? as usize)
}

/// UDP_SEGMENT: the kernel cuts what follows into datagrams of this size.
fn segments_control(control: &mut Control, segment: u16) -> (*mut c_void, usize) {
    // SAFETY: CMSG_SPACE and CMSG_LEN only reckon; a header and two bytes fit into `control`, which is aligned for it.
    unsafe {
        let size = libc::CMSG_SPACE(size_of::<u16>() as u32) as usize;
        let header = control.0.as_mut_ptr().cast::<libc::cmsghdr>();
        (*header).cmsg_level = libc::SOL_UDP;
        (*header).cmsg_type = libc::UDP_SEGMENT;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as u32) as usize;
        libc::CMSG_DATA(header).cast::<u16>().write_unaligned(segment);
        (control.0.as_mut_ptr().cast(), size)
    }
}

fn message(
    name: (*mut c_void, socklen_t),
    parts: (*mut libc::iovec, usize),
    control: (*mut c_void, usize),
) -> mmsghdr {
    // SAFETY: numbers and pointers; all zero is a value of it.
    let mut made: mmsghdr = unsafe { zeroed() };
    (made.msg_hdr.msg_name, made.msg_hdr.msg_namelen) = name;
    (made.msg_hdr.msg_iov, made.msg_hdr.msg_iovlen) = parts;
    (made.msg_hdr.msg_control, made.msg_hdr.msg_controllen) = control;
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    fn sent(socket: &UdpSocket, to: SocketAddr, datagrams: &[Vec<u8>], segment: u16) {
        let parts: Vec<_> = datagrams.iter().map(|each| IoSlice::new(each)).collect();
        assert_eq!(send(socket, &[Outgoing { to, parts: &parts, segment }]).expect("sent"), 1);
    }

    #[test]
    fn what_is_sent_as_one_message_is_received_as_one_or_as_several() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            for joined in [false, true] {
                let (source, target) = (UdpSocket::bind(host).unwrap(), UdpSocket::bind(host).unwrap());
                let to = target.local_addr().unwrap();
                assert!(!joined || receive_segments(&target));
                let mut inbox = Inbox::new(joined);
                let datagrams = [vec![1; 800], vec![2; 800], vec![3; 800], vec![4; 10]];
                sent(&source, to, &datagrams, 800);
                let (mut received, mut messages) = (Vec::new(), 0);
                while received.len() < 4 {
                    for place in 0..inbox.receive(&target).unwrap_or(0) {
                        let message = inbox.message(place).unwrap();
                        assert_eq!(message.from, source.local_addr().unwrap());
                        received.extend(message.data.chunks(message.segment).map(<[u8]>::to_vec));
                        messages += 1;
                    }
                }
                assert_eq!((received, messages), (datagrams.to_vec(), if joined { 1 } else { 4 }));
                assert!(inbox.receive(&target).is_err());
            }
        }
    }

    #[test]
    fn how_long_a_message_has_waited_is_known() {
        let host = "127.0.0.1:0";
        let (source, target) = (UdpSocket::bind(host).unwrap(), UdpSocket::bind(host).unwrap());
        let to = target.local_addr().unwrap();
        for segments in [false, true] {
            assert!(receive_times(&target) && (!segments || receive_segments(&target)));
            let begun = monotonic();
            sent(&source, to, &[vec![1; 100]], 0);
            std::thread::sleep(std::time::Duration::from_millis(40));
            sent(&source, to, &[vec![2; 100]], 0);
            let mut inbox = Inbox::new(segments);
            assert_eq!(inbox.receive(&target).unwrap(), 2);
            let waited = [0, 1].map(|place| inbox.message(place).unwrap().waited);
            assert!(waited[0] - waited[1] >= 0.04, "{waited:?}");
            assert!(waited[0] <= monotonic() - begun + 0.01, "{waited:?}");
        }
    }

    #[test]
    fn a_number_that_names_no_file_is_refused() {
        assert!(duplicate(-1).is_err());
        assert!(duplicate(0).is_ok());
    }

    #[test]
    fn an_eventfd_wakes_until_it_is_cleared() {
        let (poll, wake, mut ready) = (Poll::new().unwrap(), Wake::new().unwrap(), Vec::new());
        poll.add(wake.fd(), 9).unwrap();
        let mut woken = || {
            poll.wait(0.0, &mut ready);
            ready.iter().map(|each| each.token).collect::<Vec<_>>()
        };
        assert_eq!(woken(), []);
        wake.set();
        wake.set();
        assert_eq!(woken(), [9]);
        wake.clear();
        assert_eq!(woken(), []);
    }
}
