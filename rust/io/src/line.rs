//! Calls on their way to a media thread, in order, so many at most.
//!
//! Not the standard library's channel: whoever takes from that turns round and round while a sender is between claiming a
//! place and filling it. A media thread goes before the thread that calls it, on the same processor at times, and would
//! turn for ever, because the other never gets to fill the place. For a mutex it sleeps.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Of one line, seen from both ends.
struct Shared<T> {
    state: Mutex<State<T>>,
    room: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    held_up: usize, // who wait for room
    is_open: bool,  // both ends are there
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().is_open = false;
        self.room.notify_all();
    }
}

/// What is given to it, another takes.
pub struct Giver<T> {
    most: usize,
    shared: Arc<Shared<T>>,
}

pub struct Taker<T>(Arc<Shared<T>>);

/// The other end is gone.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone;

/// `most`: whoever gives one more waits until one is taken.
pub fn line<T>(most: usize) -> (Giver<T>, Taker<T>) {
    let state = State { waiting: VecDeque::new(), held_up: 0, is_open: true };
    let shared = Arc::new(Shared { state: Mutex::new(state), room: Condvar::new() });
    (Giver { most, shared: shared.clone() }, Taker(shared))
}

impl<T> Giver<T> {
    pub fn give(&self, one: T) -> Result<(), Gone> {
        let mut state = self.shared.lock();
        while state.is_open && state.waiting.len() >= self.most {
            state.held_up += 1;
            state = self.shared.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.held_up -= 1;
        }
        if !state.is_open {
            return Err(Gone);
        }
        state.waiting.push_back(one);
        Ok(())
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<T> Taker<T> {
    /// `None`: there is nothing now. What was given before the other end went is still taken.
    pub fn take(&self) -> Result<Option<T>, Gone> {
        let mut state = self.0.lock();
        let one = state.waiting.pop_front();
        let held_up = state.held_up > 0;
        let is_open = state.is_open;
        drop(state);
        if held_up {
            self.0.room.notify_one();
        }
        if one.is_none() && !is_open { Err(Gone) } else { Ok(one) }
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_is_given_is_taken_in_order_also_after_the_giver_went() {
        let (giver, taker) = line(3);
        assert_eq!(taker.take(), Ok(None));
        (0..3).for_each(|number| giver.give(number).expect("room"));
        drop(giver);
        for number in 0..3 {
            assert_eq!(taker.take(), Ok(Some(number)));
        }
        assert_eq!(taker.take(), Err(Gone));
    }

    #[test]
    fn whoever_gives_one_too_many_waits_until_one_is_taken() {
        let (giver, taker) = line(2);
        let all = 1_000;
        let giving = thread::spawn(move || (0..all).try_for_each(|number| giver.give(number)));
        let mut came = Vec::new();
        loop {
            assert!(taker.0.lock().waiting.len() <= 2);
            match taker.take() {
                Ok(Some(number)) => came.push(number),
                Ok(None) => thread::yield_now(),
                Err(Gone) => break,
            }
        }
        assert_eq!(came, (0..all).collect::<Vec<_>>());
        assert_eq!(giving.join().expect("no panic"), Ok(()));
    }

    #[test]
    fn whoever_waits_for_a_taker_that_goes_is_told() {
        let (giver, taker) = line(1);
        giver.give(()).expect("room");
        let giving = thread::spawn(move || giver.give(()));
        while taker.0.lock().held_up == 0 {
            thread::yield_now();
        }
        drop(taker);
        assert_eq!(giving.join().expect("no panic"), Err(Gone));
    }
}
