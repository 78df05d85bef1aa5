//! Things by number, in the order in which they came: what refers to a thing keeps its number.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::api::Id;

/// A map whose keys are numbers that we or SRTP-authenticated peers chose: a cheap hash is enough.
pub type NumberMap<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;

#[derive(Default)]
pub struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// Named things. A number is given again only after its thing was removed.
pub struct Table<T> {
    slots: Vec<Option<T>>,
    free: Vec<usize>,
    order: Vec<usize>,
    names: HashMap<Id, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), order: Vec::new(), names: HashMap::new() }
    }
}

impl<T> Table<T> {
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn key(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    pub fn get(&self, key: usize) -> Option<&T> {
        self.slots.get(key)?.as_ref()
    }

    pub fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        self.slots.get_mut(key)?.as_mut()
    }

    /// Keys, oldest first.
    pub fn keys(&self) -> &[usize] {
        &self.order
    }

    pub fn insert(&mut self, name: Id, thing: T) -> usize {
        let key = if let Some(key) = self.free.pop() {
            key
        } else {
            self.slots.push(None);
            self.slots.len() - 1
        };
        if let Some(slot) = self.slots.get_mut(key) {
            *slot = Some(thing);
        }
        self.order.push(key);
        self.names.insert(name, key);
        key
    }

    pub fn remove(&mut self, name: &str) -> Option<T> {
        let key = self.names.remove(name)?;
        self.order.retain(|each| *each != key);
        self.free.push(key);
        self.slots.get_mut(key)?.take()
    }
}
