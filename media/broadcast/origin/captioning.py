"""Captions of a recording: a WebVTT file beside it, made of the lines that were typed while it was on the air."""

from __future__ import annotations

import asyncio
from pathlib import Path

from attrs import evolve

from media.broadcast.hls.captions import webvtt
from media.broadcast.hls.values import HZ
from media.broadcast.origin.publication import Fault, Recording
from media.broadcast.origin.reader import said


async def with_captions(made: Recording, folder: Path) -> Recording | Fault:
    """The recording, with the file of its captions where somebody typed some."""
    try:
        path = await asyncio.to_thread(_write, made, folder)
    except OSError:
        return Fault.REMUX_FAILED
    return evolve(made, captions=path)


def _write(made: Recording, folder: Path) -> str:
    text = webvtt(said(folder), round(made.seconds * HZ))
    path = Path(made.path).with_suffix(".vtt")
    path.unlink(missing_ok=True)  # of an earlier try
    if not text:
        return ""
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
    return str(path)
