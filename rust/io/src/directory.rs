//! Who is where: addresses and connections of peers, the thread of each, and the ufrags that requests may name.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use sferum_forwarder_core::api::Id;

use crate::ignored::Ignored;
use crate::stun::{Kind, is_answer, kind_of, ufrag_of};
use crate::upward::Whose;

/// A way to a client: an address of the UDP socket, or a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    Udp(SocketAddr),
    Tcp(u32),
}

#[derive(Default)]
struct Peer {
    thread: Option<usize>, // None: no forwarder has it (yet)
    route: Option<Route>,  // where its media goes
}

/// Read by every thread for each batch, changed when somebody comes, moves or goes.
#[derive(Default)]
pub struct Directory {
    bound: HashMap<Route, Id>,
    peers: HashMap<Id, Peer>,
    ufrags: HashSet<String>,
    moves: u64,
}

/// What becomes of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To the forwarder of this thread.
    Media(Id, usize),
    /// To whoever has the engine.
    Upward(Whose),
}

impl Directory {
    /// Addresses that are somebody's, peers, ufrags.
    pub fn held(&self) -> [usize; 3] {
        [self.bound.len(), self.peers.len(), self.ufrags.len()]
    }

    pub fn bind(&mut self, route: Route, peer: Id) {
        self.bound.insert(route, peer);
    }

    pub fn unbind(&mut self, route: Route) {
        self.bound.remove(&route);
    }

    pub fn set_route(&mut self, peer: &str, route: Option<Route>) {
        self.moves += 1;
        if !self.peers.contains_key(peer) {
            self.peers.insert(Id::from(peer), Peer::default());
        }
        if let Some(known) = self.peers.get_mut(peer) {
            known.route = route;
            if route.is_none() && known.thread.is_none() {
                self.peers.remove(peer);
            }
        }
    }

    /// Its packets go to this thread's forwarder from now on.
    pub fn pin(&mut self, peer: Id, thread: usize) {
        self.peers.entry(peer).or_default().thread = Some(thread);
    }

    /// Its packets go nowhere, and no media goes to it.
    pub fn remove_peer(&mut self, peer: &str) {
        self.moves += 1;
        self.peers.remove(peer);
    }

    pub fn add_ufrag(&mut self, ufrag: String) {
        self.ufrags.insert(ufrag);
    }

    pub fn remove_ufrag(&mut self, ufrag: &str) {
        self.ufrags.remove(ufrag);
    }

    /// How often somebody's media was to go another way.
    pub fn moves(&self) -> u64 {
        self.moves
    }

    /// Where a peer's media goes.
    pub fn route(&self, peer: &str) -> Option<Route> {
        self.peers.get(peer)?.route
    }

    /// `longest`: a datagram of so many bytes was longer.
    pub fn judge(&self, datagram: &[u8], from: Route, longest: usize) -> Result<Verdict, Ignored> {
        let first = *datagram.first().ok_or(Ignored::Empty)?;
        let kind = kind_of(first);
        if kind == Some(Kind::Stun) {
            return self.judge_stun(datagram, from);
        }
        if datagram.len() >= longest {
            return Err(Ignored::TooLong);
        }
        let kind = kind.ok_or(Ignored::NotOurs)?;
        let peer = self.bound.get(&from).ok_or(Ignored::Stranger)?;
        if kind == Kind::Dtls {
            return Ok(Verdict::Upward(Whose::Dtls(peer.clone())));
        }
        let thread = self.peers.get(peer).and_then(|known| known.thread).ok_or(Ignored::Early)?;
        Ok(Verdict::Media(peer.clone(), thread))
    }

    fn judge_stun(&self, datagram: &[u8], from: Route) -> Result<Verdict, Ignored> {
        if is_answer(datagram) {
            let peer = self.bound.get(&from).ok_or(Ignored::Unasked)?;
            return Ok(Verdict::Upward(Whose::Answer(peer.clone())));
        }
        let ufrag = ufrag_of(datagram)?;
        let known = self.ufrags.get(ufrag).ok_or(Ignored::UnknownUfrag)?;
        Ok(Verdict::Upward(Whose::Request(known.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::request;

    const HERE: Route = Route::Tcp(1);

    #[test]
    fn media_is_somebody_s_only_from_a_bound_route_and_with_a_forwarder() {
        let (mut directory, peer) = (Directory::default(), Id::from("PC"));
        let media = [0x80; 40];
        assert_eq!(directory.judge(&media, HERE, 2_048), Err(Ignored::Stranger));
        directory.bind(HERE, peer.clone());
        assert_eq!(directory.judge(&media, HERE, 2_048), Err(Ignored::Early));
        directory.pin(peer.clone(), 3);
        assert_eq!(directory.judge(&media, HERE, 2_048), Ok(Verdict::Media(peer.clone(), 3)));
        assert_eq!(directory.judge(&[22; 40], HERE, 2_048), Ok(Verdict::Upward(Whose::Dtls(peer.clone()))));
        assert_eq!(directory.judge(&media, HERE, 40), Err(Ignored::TooLong));
        assert_eq!(directory.judge(&[70; 40], HERE, 2_048), Err(Ignored::NotOurs));
        assert_eq!(directory.judge(&[], HERE, 2_048), Err(Ignored::Empty));
        directory.unbind(HERE);
        assert_eq!(directory.judge(&[22; 40], HERE, 2_048), Err(Ignored::Stranger));
    }

    #[test]
    fn checks_are_for_a_ufrag_and_answers_for_a_route() {
        let mut directory = Directory::default();
        let answer = [&[1, 1][..], &[0; 18]].concat();
        assert_eq!(directory.judge(&request("ours"), HERE, 2_048), Err(Ignored::UnknownUfrag));
        assert_eq!(directory.judge(&answer, HERE, 2_048), Err(Ignored::Unasked));
        directory.add_ufrag("ours".to_owned());
        directory.bind(HERE, Id::from("PC"));
        assert_eq!(
            directory.judge(&request("ours"), HERE, 2_048),
            Ok(Verdict::Upward(Whose::Request("ours".to_owned())))
        );
        assert_eq!(directory.judge(&answer, HERE, 2_048), Ok(Verdict::Upward(Whose::Answer(Id::from("PC")))));
        directory.remove_ufrag("ours");
        assert_eq!(directory.judge(&request("ours"), HERE, 2_048), Err(Ignored::UnknownUfrag));
    }

    #[test]
    fn a_route_may_be_known_before_the_forwarder_has_the_peer_and_ends_with_it() {
        let mut directory = Directory::default();
        directory.set_route("PC", Some(HERE));
        directory.pin(Id::from("PC"), 0);
        assert_eq!(directory.route("PC"), Some(HERE));
        directory.remove_peer("PC");
        assert_eq!(directory.route("PC"), None);
        directory.set_route("PC", Some(HERE));
        directory.set_route("PC", None);
        assert!(directory.peers.is_empty());
    }
}
