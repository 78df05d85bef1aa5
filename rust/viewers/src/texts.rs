//! Playlists that came: the same bytes for thousands of viewers are read once. Pure.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::http::Answer;
use crate::inflate::gunzip;
use crate::playlist::{self, Playlist};

/// Texts remembered: two edges' newest ones, and the one before.
const KEPT: usize = 6;

#[derive(Default)]
pub struct Texts(VecDeque<(Vec<u8>, Rc<Playlist>)>);

impl Texts {
    /// `None`: it is no playlist.
    pub fn playlist(&mut self, answer: &Answer) -> Option<Rc<Playlist>> {
        if let Some((_, known)) = self.0.iter().find(|(body, _)| *body == answer.body) {
            return Some(Rc::clone(known));
        }
        let read = Rc::new(playlist::read(&unpacked(answer)?)?);
        self.0.truncate(KEPT - 1);
        self.0.push_front((answer.body.clone(), Rc::clone(&read)));
        Some(read)
    }

    /// The address of the first quality of a multivariant playlist.
    pub fn variant(answer: &Answer) -> Option<String> {
        playlist::first_variant(&unpacked(answer)?).map(str::to_owned)
    }
}

fn unpacked(answer: &Answer) -> Option<String> {
    let bytes = if answer.gzip { gunzip(&answer.body).ok()? } else { answer.body.clone() };
    String::from_utf8(bytes).ok()
}
