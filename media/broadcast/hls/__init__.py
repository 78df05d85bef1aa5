"""Playlists of a broadcast: low-latency HLS (RFC 8216bis). Pure: no network, no clock, no log.

`Broadcast` (`broadcast.py`) is told of parts and asked about requests; bytes of media are kept elsewhere.
"""
