//! The sockets and threads of the native forwarder: media comes in, is forwarded and goes out here; STUN and DTLS go up to whoever
//! has the engine. What is decided about a packet stands in the core; `sys.rs` has the system calls.

#[cfg(test)]
extern crate self as sferum_forwarder_io; // as the tests' own lesson (tests/support) knows it

mod batch;
mod connection;
mod directory;
pub mod engine;
pub mod framing;
mod ids;
mod ignored;
mod line;
mod media_thread;
mod places;
mod runs;
mod sender;
pub mod stun;
mod sys;
pub mod upward;

pub use directory::Route;
pub use ignored::Ignored;
