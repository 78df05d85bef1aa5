"""The packager: what a publisher sends becomes CMAF parts of even length, without coding pictures again. Pure.

    RtpPacket ─▶ depacketizer ─▶ pictures (parameter_sets) ─▶ source ─┐ clocks
    Opus ─▶ transcoder ─▶ SoundFrame ─────────────────────────────────┴▶ cutter ─▶ init, fragment ─▶ Part, Init

`transcoder` and `slate` code with FFmpeg (PyAV); nothing else here does more than look at bytes.
"""
