//! `media.forwarder.api.Forwarder` in Python's hands. What it does is in the core; values are changed in `values.rs`. With sockets
//! and threads of its own it is `engine.rs`.

mod engine;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::{PyKeyError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use sferum_forwarder_core::api::{BadId, Came, Id};
use sferum_forwarder_core::forwarder::Forwarder;

use crate::values::Api;

/// One thread at a time; Python's lock is not held while it works.
#[pyclass(module = "sferum_forwarder")]
struct NativeForwarder {
    core: Forwarder,
    api: Api,
}

/// A mistake of ours is an `Exception` like one in Python; pyo3's own `PanicException` would end the process.
fn mistake() -> PyErr {
    PyRuntimeError::new_err("the native forwarder made a mistake; where, stderr says")
}

impl NativeForwarder {
    /// Without Python's lock. A mistake costs one datagram or call: the forwarder goes on, mended.
    fn work<T: Send>(
        &mut self,
        py: Python<'_>,
        work: impl FnOnce(&mut Forwarder) -> T + Send,
    ) -> PyResult<T> {
        let core = &mut self.core;
        let done = py.detach(|| {
            let done = catch_unwind(AssertUnwindSafe(|| work(core)));
            if done.is_err() {
                let _as_far_as_it_goes = catch_unwind(AssertUnwindSafe(|| core.mend()));
            }
            done
        });
        done.map_err(|_| mistake())
    }

    /// Unknown ids in calls are bugs.
    fn call(
        &mut self,
        py: Python<'_>,
        work: impl FnOnce(&mut Forwarder) -> Result<(), BadId> + Send,
    ) -> PyResult<()> {
        self.work(py, work)?.map_err(|BadId(id)| PyKeyError::new_err(id.to_string()))
    }
}

#[pymethods]
impl NativeForwarder {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        Ok(Self { core: Forwarder::default(), api: Api::import(py)? })
    }

    fn add_peer(&mut self, py: Python<'_>, peer: &str, keys: &Bound<'_, PyAny>) -> PyResult<()> {
        let session = Forwarder::session(&values::keys(keys)?);
        let session = session.ok_or_else(|| PyValueError::new_err("SRTP keys of the wrong length"))?;
        self.call(py, |core| core.add_peer(Id::from(peer), session))
    }

    fn remove_peer(&mut self, py: Python<'_>, peer: &str) -> PyResult<()> {
        self.call(py, |core| core.remove_peer(peer))
    }

    fn add_track(&mut self, py: Python<'_>, track: &Bound<'_, PyAny>) -> PyResult<()> {
        let track = values::track(track)?;
        self.call(py, |core| core.add_track(track))
    }

    fn remove_track(&mut self, py: Python<'_>, sid: &str) -> PyResult<()> {
        self.call(py, |core| core.remove_track(sid))
    }

    fn mute_track(&mut self, py: Python<'_>, sid: &str, muted: bool) -> PyResult<()> {
        self.call(py, |core| core.mute_track(sid, muted))
    }

    fn add_down(&mut self, py: Python<'_>, down: &Bound<'_, PyAny>, want: &Bound<'_, PyAny>) -> PyResult<()> {
        let down = values::down(down, &mut values::KnownLooks::default())?;
        let want = values::want(want)?;
        self.call(py, |core| core.add_down(down, want))
    }

    fn remove_down(&mut self, py: Python<'_>, down: &str) -> PyResult<()> {
        self.call(py, |core| core.remove_down(down))
    }

    fn set_want(&mut self, py: Python<'_>, down: &str, want: &Bound<'_, PyAny>) -> PyResult<()> {
        let want = values::want(want)?;
        self.call(py, |core| core.set_want(down, want))
    }

    fn set_budget(&mut self, py: Python<'_>, peer: &str, bitrate_bps: u64) -> PyResult<()> {
        self.call(py, |core| core.set_budget(peer, bitrate_bps))
    }

    fn set_wish(&mut self, py: Python<'_>, peer: &str, bitrate_bps: i64) -> PyResult<()> {
        self.call(py, |core| core.set_wish(peer, bitrate_bps))
    }

    fn add_tap(&mut self, py: Python<'_>, tap: &Bound<'_, PyAny>) -> PyResult<()> {
        let (track, layers) = values::tap(tap)?;
        self.call(py, |core| core.add_tap(&track, layers))
    }

    fn remove_tap(&mut self, py: Python<'_>, sid: &str) -> PyResult<()> {
        self.call(py, |core| core.remove_tap(sid))
    }

    fn ask_key(&mut self, py: Python<'_>, sid: &str, layer: &Bound<'_, PyAny>) -> PyResult<()> {
        let layer = values::layer(layer)?;
        self.call(py, |core| core.ask_key(sid, layer))
    }

    #[pyo3(signature = (peer, datagram, now, came=None))]
    fn receive(
        &mut self,
        py: Python<'_>,
        peer: &str,
        datagram: &[u8],
        now: f64,
        came: Option<f64>,
    ) -> PyResult<()> {
        let run = [Came { datagram, at: came.unwrap_or(now), padding: 0 }];
        self.work(py, |core| core.receive_run(peer, &run, now, &mut |_| ()))
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

    fn take_tapped<'py>(&mut self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let taken = self.core.take_tapped();
        taken.iter().map(|copy| self.api.copied(py, copy)).collect()
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
