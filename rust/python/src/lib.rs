//! `media.forwarder.api.Forwarder` in Python's hands. What it does is in the core; values are changed in `values.rs`. With sockets
//! and threads of its own it is `engine.rs`.

mod engine;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyKeyError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use sferum_forwarder_core::api::{BadId, Id};
use sferum_forwarder_core::forwarder::Forwarder;

use crate::values::Api;

/// One thread at a time; Python's lock is not held while it works.
#[pyclass(module = "sferum_forwarder")]
struct NativeForwarder {
    core: Forwarder,
    api: Api,
}

/// Unknown ids in calls are bugs.
fn known(result: Result<(), BadId>) -> PyResult<()> {
    result.map_err(|BadId(id)| PyKeyError::new_err(id.to_string()))
}

impl NativeForwarder {
    /// Without Python's lock. A mistake of ours is an `Exception` like one in Python, which costs one datagram; pyo3's own
    /// `PanicException` would end the process.
    fn work(&mut self, py: Python<'_>, work: impl FnOnce(&mut Forwarder) + Send) -> PyResult<()> {
        let core = &mut self.core;
        let done = py.detach(|| catch_unwind(AssertUnwindSafe(|| work(core))));
        done.map_err(|_| PyRuntimeError::new_err("the native forwarder made a mistake; where, stderr says"))
    }
}

#[pymethods]
impl NativeForwarder {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        Ok(Self { core: Forwarder::default(), api: Api::import(py)? })
    }

    fn add_peer(&mut self, peer: &str, keys: &Bound<'_, PyAny>) -> PyResult<()> {
        let session = Forwarder::session(&values::keys(keys)?);
        let session = session.ok_or_else(|| PyValueError::new_err("SRTP keys of the wrong length"))?;
        known(self.core.add_peer(Id::from(peer), session))
    }

    fn remove_peer(&mut self, peer: &str) -> PyResult<()> {
        known(self.core.remove_peer(peer))
    }

    fn add_track(&mut self, track: &Bound<'_, PyAny>) -> PyResult<()> {
        known(self.core.add_track(values::track(track)?))
    }

    fn remove_track(&mut self, sid: &str) -> PyResult<()> {
        known(self.core.remove_track(sid))
    }

    fn mute_track(&mut self, sid: &str, muted: bool) -> PyResult<()> {
        known(self.core.mute_track(sid, muted))
    }

    fn add_down(&mut self, down: &Bound<'_, PyAny>, want: &Bound<'_, PyAny>) -> PyResult<()> {
        known(self.core.add_down(values::down(down)?, values::want(want)?))
    }

    fn remove_down(&mut self, down: &str) -> PyResult<()> {
        known(self.core.remove_down(down))
    }

    fn set_want(&mut self, down: &str, want: &Bound<'_, PyAny>) -> PyResult<()> {
        known(self.core.set_want(down, values::want(want)?))
    }

    fn set_budget(&mut self, peer: &str, bitrate_bps: u64) -> PyResult<()> {
        known(self.core.set_budget(peer, bitrate_bps))
    }

    fn set_wish(&mut self, peer: &str, bitrate_bps: i64) -> PyResult<()> {
        known(self.core.set_wish(peer, bitrate_bps))
    }

    fn receive(&mut self, py: Python<'_>, peer: &str, datagram: &[u8], now: f64) -> PyResult<()> {
        self.work(py, |core| core.receive(peer, datagram, now))
    }

    fn poll(&mut self, py: Python<'_>, now: f64) -> PyResult<()> {
        self.work(py, |core| core.poll(now))
    }

    fn next_wakeup(&self) -> Option<f64> {
        self.core.next_wakeup()
    }

    fn take_output<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let taken = PyList::empty(py);
        for (peer, datagram) in self.core.output() {
            taken.append(self.api.transmit(py, peer, PyBytes::new(py, datagram))?)?;
        }
        self.core.clear_output();
        Ok(taken)
    }

    fn take_events<'py>(&mut self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let events = self.core.take_events();
        events.iter().map(|event| self.api.event(py, event)).collect()
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.api.stats(py, self.core.stats())
    }
}

/// What this build was made of: SHA-256 of `media/forwarder/api.py`, and of the Rust sources (`scripts/build-native`).
const API: &str = match option_env!("SFERUM_FORWARDER_API") {
    Some(hash) => hash,
    None => "",
};
const SOURCES: &str = match option_env!("SFERUM_FORWARDER_SOURCES") {
    Some(hash) => hash,
    None => "",
};

#[pymodule]
mod sferum_forwarder {
    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_export]
    use super::NativeForwarder;
    #[pymodule_export]
    use crate::engine::{Fault, MediaEngine, TcpClosed};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("API", super::API)?;
        module.add("SOURCES", super::SOURCES)
    }
}
