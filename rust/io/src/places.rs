//! Where everybody's media goes, as the directory last said: it is asked again only when somebody has moved.

use std::sync::Arc;

use sferum_forwarder_core::api::Id;
use sferum_forwarder_core::table::NumberMap;

use crate::directory::{Directory, Route};

#[derive(Default)]
pub struct Places {
    moves: u64,
    known: NumberMap<usize, (Id, Option<Route>)>, // by where the name stands, which is its own while we have it
}

impl Places {
    pub fn route(&mut self, peer: &Id, directory: &Directory) -> Option<Route> {
        if self.moves != directory.moves() {
            self.moves = directory.moves();
            self.known.clear();
        }
        let place = Arc::as_ptr(peer).cast::<u8>().addr();
        self.known.entry(place).or_insert_with(|| (peer.clone(), directory.route(peer))).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_moves_is_found_where_they_are() {
        let (mut directory, mut places, peer) = (Directory::default(), Places::default(), Id::from("PC"));
        assert_eq!(places.route(&peer, &directory), None);
        directory.set_route("PC", Some(Route::Tcp(1)));
        assert_eq!(places.route(&peer, &directory), Some(Route::Tcp(1)));
        directory.set_route("PC", Some(Route::Tcp(2)));
        assert_eq!(places.route(&peer, &directory), Some(Route::Tcp(2)));
        assert_eq!(places.route(&Id::from("PC"), &directory), Some(Route::Tcp(2)));
        directory.remove_peer("PC");
        assert_eq!(places.route(&peer, &directory), None);
        assert_eq!(places.known.len(), 1);
    }
}
