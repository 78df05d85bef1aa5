"""What all tests of calls need."""

from __future__ import annotations

import sys


def pytest_sessionfinish() -> None:
    """The Python SDK's own threads fall silent before Python goes down.

    A line of their log that meets an interpreter which is ending ends the thread, and Rust answers with an abort: all
    tests have passed, and the exit code is 134. The SDK disposes of them at the last moment, which is too late on a
    busy machine; a second time does nothing.
    """
    client = sys.modules.get("livekit.rtc._ffi_client")
    if client is not None and client.FfiClient._instance is not None:
        client.FfiClient._instance._dispose()
