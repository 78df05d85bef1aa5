//! From one publisher's packets to every subscriber's, without I/O: time and datagrams come in, datagrams and events
//! come out. `media/forwarder/plain` is the specification; every module here has the name of its file there, makes the
//! same decisions and writes the same bytes.

pub mod api;
mod arrivals;
mod bandwidth;
mod control;
mod delivery;
mod demux;
pub mod dependency;
mod down;
pub mod feedback;
pub mod forwarder;
mod history;
mod incoming;
pub mod keyframe_start;
mod keyframes;
mod layers;
mod loudest;
mod loudness;
mod meter;
mod nack;
mod outbox;
mod pacer;
mod passing;
mod peer;
mod periodic;
mod pictures;
mod probe;
mod rate;
pub mod red;
mod replay;
mod reports;
pub mod rtcp;
pub mod rtcp_build;
pub mod rtp;
pub mod scalable;
mod sending;
pub mod sequence;
pub mod srtp;
mod srtp_keys;
mod standing;
mod stream;
mod table;
mod timestamps;
mod track;
mod trendline;
pub mod vp8;
