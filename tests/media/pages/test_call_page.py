"""Element Call's page as we serve it."""

from __future__ import annotations

import pytest
from livekit.protocol import models, rtc

from media.pages.element_call import BUTTONS, NoCallPage, with_buttons
from media.signal.hearing import SIDS


def test_our_script_comes_first() -> None:
    """It is the first in the head, so that it is there before any WebSocket; the rest is Element Call's."""
    page = "<!doctype html><html><head><script src=a.js></script></head><body></body></html>"
    assert with_buttons(page, "x()") == page.replace("<head>", "<head><script>x()</script>")


def test_another_page_is_refused() -> None:
    """A folder whose index has no head is not Element Call's."""
    with pytest.raises(NoCallPage):
        with_buttons("<p>hello</p>", "x()")


def test_the_script_knows_our_words() -> None:
    """The prefixes of sids and the first bytes of a mute, which it reads without a library, are the protocol's."""
    script = BUTTONS.read_text("utf-8")
    assert f"{SIDS[models.MICROPHONE]}: 'incall_mute'" in script
    assert f"{SIDS[models.CAMERA]}: 'incall_videomute'" in script
    muted = rtc.SignalResponse(mute=rtc.MuteTrackRequest(sid="TR_AM", muted=True))
    assert muted.SerializeToString() == b"\x4a\x09\x0a\x05TR_AM\x10\x01"
    assert "</script" not in script
