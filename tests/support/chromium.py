"""How the tests start Debian's Chromium."""

from __future__ import annotations

#: Root without a sandbox, nothing asked of the network.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Pages of this machine only.
OFFLINE = (
    *QUIET,
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
#: Calls over loopback, without a press of a button first.
CALLS = (
    *QUIET,
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
)
#: Calls in pages that nobody looks at, with a camera and a microphone that are always granted.
CAMERAS = (
    *CALLS,
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
