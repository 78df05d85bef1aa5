//! What one UDP packet costs the kernel: the least that any forwarder can cost.

use std::net::UdpSocket;

use crate::sys;

/// Receivers, and packets sent before they are read.
const RECEIVERS: usize = 32;

/// CPU nanoseconds of one `sendto` of `size` bytes over loopback. Receivers are drained, outside of what is measured.
pub fn send_ns(size: usize, packets: usize) -> std::io::Result<f64> {
    let receivers: Vec<_> =
        (0..RECEIVERS).map(|_| UdpSocket::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let addresses: Vec<_> = receivers.iter().map(UdpSocket::local_addr).collect::<Result<_, _>>()?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    let data = vec![0; size];
    let mut taken = vec![0; size];
    let (mut spent, mut sent) = (0, 0_usize);
    while sent < packets {
        let begun = sys::thread_cpu_ns();
        for address in &addresses {
            sender.send_to(&data, address)?;
        }
        spent += sys::thread_cpu_ns() - begun;
        sent += RECEIVERS;
        for receiver in &receivers {
            receiver.recv(&mut taken)?;
        }
    }
    Ok(spent as f64 / sent as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_costs_something() {
        assert!(send_ns(1_100, 64).expect("loopback") > 100.0);
    }
}
