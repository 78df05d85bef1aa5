//! The media engine in Python's hands: `media/plane/native.py` runs it. No media packet comes to Python.

use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::RawFd;

use pyo3::exceptions::{PyKeyError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDict};
use sferum_forwarder_core::api::{BadId, Layers};
use sferum_forwarder_core::forwarder::Forwarder;
use sferum_forwarder_io::Route;
use sferum_forwarder_io::engine::{Called, Engine, Refused, descriptor};
use sferum_forwarder_io::upward::Told;

use crate::mistake;
use crate::values::{self, Api, KnownLooks};

type Any<'py> = Bound<'py, PyAny>;

/// A TCP connection ended, by its client or for what came over it.
#[pyclass(module = "sferum_forwarder", frozen, get_all)]
pub struct TcpClosed {
    connection: u32,
}

/// A mistake of ours cost a datagram or a call; told the 1st, 2nd, 4th, 8th… time.
#[pyclass(module = "sferum_forwarder", frozen, get_all)]
pub struct Fault {
    times: u64,
    text: String,
}

/// One media thread for each UDP socket. Any thread may call; Python's lock is not held while one of them is waited for.
#[pyclass(module = "sferum_forwarder", frozen)]
pub struct MediaEngine {
    engine: Engine,
    api: Api,
}

fn called(result: Called) -> PyResult<()> {
    result.map_err(|refused| match refused {
        Refused::Id(BadId(id)) => PyKeyError::new_err(id.to_string()),
        Refused::Closed => PyRuntimeError::new_err("the media engine is closed"),
        Refused::Mistake => mistake(),
    })
}

/// An address as `socket.recvfrom` gives it, or the number of a connection.
fn to_route(from: &Any<'_>) -> PyResult<Route> {
    if let Ok(connection) = from.extract::<u32>() {
        return Ok(Route::Tcp(connection));
    }
    let item = |place: usize| from.get_item(place);
    let (host, port) = (item(0)?.extract::<String>()?, item(1)?.extract::<u16>()?);
    let ip = host.parse().map_err(|_| PyValueError::new_err("not an IP address"))?;
    Ok(Route::Udp(match ip {
        IpAddr::V4(ip) => SocketAddr::V4(SocketAddrV4::new(ip, port)),
        IpAddr::V6(ip) => {
            let (flow, scope) = (item(2)?.extract::<u32>()?, item(3)?.extract()?);
            SocketAddr::V6(SocketAddrV6::new(ip, port, flow.to_be(), scope))
        }
    }))
}

fn to_python<'py>(py: Python<'py>, route: Route) -> PyResult<Any<'py>> {
    Ok(match route {
        Route::Tcp(connection) => connection.into_pyobject(py)?.into_any(),
        Route::Udp(SocketAddr::V4(v4)) => (v4.ip().to_string(), v4.port()).into_pyobject(py)?.into_any(),
        Route::Udp(SocketAddr::V6(v6)) => {
            let parts = (v6.ip().to_string(), v6.port(), u32::from_be(v6.flowinfo()), v6.scope_id());
            parts.into_pyobject(py)?.into_any()
        }
    })
}

#[pymethods]
impl MediaEngine {
    /// `segments`: whether the kernel may cut and join datagrams.
    #[new]
    #[pyo3(signature = (udp, *, segments = true))]
    fn new(py: Python<'_>, udp: Vec<RawFd>, segments: bool) -> PyResult<Self> {
        let mut sockets = Vec::with_capacity(udp.len());
        for fd in udp {
            sockets.push(descriptor(fd)?.into());
        }
        Ok(Self { engine: Engine::new(sockets, segments)?, api: Api::import(py)? })
    }

    fn fileno(&self) -> RawFd {
        self.engine.fd()
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.engine.close());
    }

    // --- what goes up

    fn take_received<'py>(&self, py: Python<'py>, most: usize) -> PyResult<Vec<Any<'py>>> {
        let taken = self.engine.take_received(most).into_iter();
        let each = taken.map(|each| {
            let parts = (to_python(py, each.from)?, PyBytes::new(py, &each.data), each.now);
            Ok(parts.into_pyobject(py)?.into_any())
        });
        each.collect()
    }

    fn take_events<'py>(&self, py: Python<'py>) -> PyResult<Vec<Any<'py>>> {
        let taken = self.engine.take_told().into_iter();
        let each = taken.map(|told| match told {
            Told::Forwarder(event) => self.api.event(py, &event),
            Told::TcpClosed(connection) => Ok(Bound::new(py, TcpClosed { connection })?.into_any()),
            Told::Fault(times, text) => Ok(Bound::new(py, Fault { times, text })?.into_any()),
        });
        each.collect()
    }

    fn take_tapped<'py>(&self, py: Python<'py>, most: usize) -> PyResult<Vec<Any<'py>>> {
        let taken = self.engine.take_tapped(most);
        taken.iter().map(|copy| self.api.copied(py, copy)).collect()
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Any<'py>> {
        self.api.stats(py, &self.engine.stats().0)
    }

    fn ignored<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.engine.ignored().into_py_dict(py)
    }

    fn held<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.engine.held().into_py_dict(py)
    }

    /// (messages, datagrams) that the UDP sockets were given: fewer messages where the kernel cuts them.
    fn sent(&self) -> (u64, u64) {
        let sent = self.engine.stats().1;
        (sent.messages, sent.datagrams)
    }

    // --- addresses and connections

    fn bind(&self, py: Python<'_>, route: &Any<'_>, peer: &str) -> PyResult<()> {
        let route = to_route(route)?;
        py.detach(|| self.engine.bind(route, peer));
        Ok(())
    }

    fn unbind(&self, py: Python<'_>, route: &Any<'_>) -> PyResult<()> {
        let route = to_route(route)?;
        py.detach(|| self.engine.unbind(route));
        Ok(())
    }

    #[pyo3(signature = (peer, route))]
    fn set_route(&self, py: Python<'_>, peer: &str, route: Option<&Any<'_>>) -> PyResult<()> {
        let route = route.map(to_route).transpose()?;
        py.detach(|| self.engine.set_route(peer, route));
        Ok(())
    }

    fn add_ufrag(&self, py: Python<'_>, ufrag: &str) {
        py.detach(|| self.engine.add_ufrag(ufrag));
    }

    fn remove_ufrag(&self, py: Python<'_>, ufrag: &str) {
        py.detach(|| self.engine.remove_ufrag(ufrag));
    }

    fn adopt_tcp(&self, py: Python<'_>, fd: RawFd) -> PyResult<u32> {
        Ok(py.detach(|| self.engine.adopt(descriptor(fd)?))?)
    }

    fn send_tcp(&self, py: Python<'_>, connection: u32, packet: &[u8]) -> bool {
        py.detach(|| self.engine.send_tcp(connection, packet))
    }

    fn close_tcp(&self, py: Python<'_>, connection: u32) {
        py.detach(|| self.engine.close_tcp(connection));
    }

    // --- the forwarder's calls

    fn add_peer(&self, py: Python<'_>, peer: &str, keys: &Any<'_>, room: &str) -> PyResult<()> {
        let session = Forwarder::session(&values::keys(keys)?);
        let session = session.ok_or_else(|| PyValueError::new_err("SRTP keys of the wrong length"))?;
        called(py.detach(|| self.engine.add_peer(peer, session, room)))
    }

    fn remove_peer(&self, py: Python<'_>, peer: &str) -> PyResult<()> {
        called(py.detach(|| self.engine.remove_peer(peer)))
    }

    fn add_track(&self, py: Python<'_>, track: &Any<'_>) -> PyResult<()> {
        let track = values::track(track)?;
        called(py.detach(|| self.engine.add_track(track)))
    }

    fn remove_track(&self, py: Python<'_>, sid: &str) -> PyResult<()> {
        called(py.detach(|| self.engine.remove_track(sid)))
    }

    fn mute_track(&self, py: Python<'_>, sid: &str, muted: bool) -> PyResult<()> {
        called(py.detach(|| self.engine.mute_track(sid, muted)))
    }

    fn add_down(&self, py: Python<'_>, down: &Any<'_>, want: &Any<'_>) -> PyResult<()> {
        let down = values::down(down, &mut KnownLooks::default())?;
        let want = values::want(want)?;
        called(py.detach(|| self.engine.add_down(down, want)))
    }

    /// Pairs of a down track and what is wanted of it.
    fn add_downs(&self, py: Python<'_>, downs: Vec<(Any<'_>, Any<'_>)>) -> PyResult<()> {
        let mut known = KnownLooks::default();
        let read = |(down, want): &(Any<'_>, Any<'_>)| {
            Ok((values::down(down, &mut known)?, values::known_want(want, &mut known)?))
        };
        let downs = downs.iter().map(read).collect::<PyResult<Vec<_>>>()?;
        called(py.detach(|| self.engine.add_downs(downs)))
    }

    fn remove_down(&self, py: Python<'_>, down: &str) -> PyResult<()> {
        called(py.detach(|| self.engine.remove_down(down)))
    }

    fn set_want(&self, py: Python<'_>, down: &str, want: &Any<'_>) -> PyResult<()> {
        let want = values::want(want)?;
        called(py.detach(|| self.engine.set_want(down, want)))
    }

    fn set_budget(&self, py: Python<'_>, peer: &str, bitrate_bps: u64) -> PyResult<()> {
        called(py.detach(|| self.engine.set_budget(peer, bitrate_bps)))
    }

    fn set_wish(&self, py: Python<'_>, peer: &str, bitrate_bps: i64) -> PyResult<()> {
        called(py.detach(|| self.engine.set_wish(peer, bitrate_bps)))
    }

    fn add_tap(&self, py: Python<'_>, tap: &Any<'_>) -> PyResult<()> {
        let (track, layers) = values::tap(tap)?;
        called(py.detach(|| self.engine.add_tap(&track, layers)))
    }

    fn remove_tap(&self, py: Python<'_>, sid: &str) -> PyResult<()> {
        called(py.detach(|| self.engine.add_tap(sid, Layers::default())))
    }

    fn ask_key(&self, py: Python<'_>, sid: &str, layer: &Any<'_>) -> PyResult<()> {
        let layer = values::layer(layer)?;
        called(py.detach(|| self.engine.ask_key(sid, layer)))
    }
}
