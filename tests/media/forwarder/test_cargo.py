"""The native forwarder's own tests: parts that Python does not see, and vectors of the RFCs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from media.forwarder.native.sources import RUST

PATHS = os.pathsep.join((os.environ.get("PATH", ""), str(Path.home() / ".cargo" / "bin")))
CARGO = shutil.which("cargo", path=PATHS)


@pytest.mark.timeout(600)
@pytest.mark.skipif(CARGO is None, reason="cargo is not installed")
def test_the_core_s_own_tests_pass() -> None:
    """`cargo test`, with what `make native` has built already."""
    assert CARGO is not None
    target = os.environ.get("CARGO_TARGET_DIR", str(RUST.parent / "var" / "cargo"))
    done = subprocess.run(
        [CARGO, "test", "--quiet", "--release", "--locked", "--package", "sferum-forwarder-core"],
        cwd=RUST,
        env={**os.environ, "PATH": PATHS, "CARGO_TARGET_DIR": target},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
