//! System calls that std has no name for. Every `unsafe` of this program is here: each passes pointers to values that
//! live longer than the call, with their true sizes.
#![allow(unsafe_code)]

use std::io::{Error, Result};
use std::mem::size_of;
use std::net::{SocketAddrV4, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::from_ref;

/// Events taken with one call.
const BATCH: usize = 512;

fn checked(result: i32) -> Result<i32> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(result) }
}

/// A connection that is on its way; non-blocking, as it is loopback's business to be fast and not ours to wait.
pub fn connect(to: SocketAddrV4) -> Result<TcpStream> {
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*to.ip()).to_be() },
        sin_zero: [0; 8],
    };
    // SAFETY: the descriptor is new and nobody else's; the address is one of IPv4, with its size.
    unsafe {
        let fd = checked(libc::socket(
            libc::AF_INET,
            libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
            0,
        ))?;
        let socket = TcpStream::from_raw_fd(fd);
        let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        let begun = checked(libc::connect(fd, from_ref(&address).cast(), size));
        match begun {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            _ => Ok(socket),
        }
    }
}

/// Sockets to be told about, by the numbers they were given.
pub struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub fn new() -> Result<Self> {
        // SAFETY: the descriptor is new and nobody else's.
        let fd = unsafe { OwnedFd::from_raw_fd(checked(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) };
        Ok(Self { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; BATCH] })
    }

    /// Told once whenever something changes (edge-triggered); a socket that is closed is forgotten.
    pub fn add(&self, socket: &TcpStream, number: usize) -> Result<()> {
        let wanted = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET;
        let mut event = libc::epoll_event { events: wanted as u32, u64: number as u64 };
        // SAFETY: both descriptors are open; the event is copied by the kernel.
        unsafe {
            checked(libc::epoll_ctl(
                self.fd.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                socket.as_raw_fd(),
                &raw mut event,
            ))?;
        }
        Ok(())
    }

    /// Numbers of those with something new, within so many milliseconds.
    pub fn wait(&mut self, ms: i32) -> Vec<usize> {
        // SAFETY: the kernel fills at most BATCH events, as many as there is room for.
        let count =
            unsafe { libc::epoll_wait(self.fd.as_raw_fd(), self.events.as_mut_ptr(), BATCH as i32, ms) };
        let count = usize::try_from(count).unwrap_or(0);
        self.events[..count].iter().map(|event| event.u64 as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    #[test]
    fn one_is_told_of_what_comes() {
        let server = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let SocketAddr::V4(to) = server.local_addr().expect("an address") else { panic!("IPv4") };
        let mut socket = connect(to).expect("connected");
        let mut epoll = Epoll::new().expect("epoll");
        epoll.add(&socket, 7).expect("added");
        assert_eq!(epoll.wait(5_000), [7]);
        server.accept().expect("accepted").0.write_all(b"x").expect("written");
        assert_eq!(epoll.wait(5_000), [7]);
        let mut byte = [0; 1];
        assert_eq!((socket.read(&mut byte).expect("read"), byte), (1, *b"x"));
    }
}
