"""Calls and broadcasts: authorisation, LiveKit signalling, rooms and packet forwarding."""
