"""The native forwarder's own tests: parts that Python does not see, vectors of the RFCs, sockets, threads, noise."""

from __future__ import annotations

import subprocess

import pytest

from media.forwarder.native.sources import RUST

WITH_RUST = RUST.parent / "scripts" / "with-rust"


@pytest.mark.timeout(600)
def test_the_crates_own_tests_pass() -> None:
    """`cargo test`, with what `make native` has built already."""
    if subprocess.run([WITH_RUST, "true"], capture_output=True, check=False).returncode == 127:
        pytest.skip("no Rust")
    done = subprocess.run(
        [
            WITH_RUST,
            "cargo",
            "test",
            "--quiet",
            "--release",
            "--locked",
            "--package",
            "sferum-forwarder-core",
            "--package",
            "sferum-forwarder-io",
            "--package",
            "sferum-load",
            "--package",
            "sferum-noise",
            "--package",
            "sferum-viewers",
        ],
        cwd=RUST,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
