"""LiveKit's signalling: what its clients say over a WebSocket, carried to the room and back (calls.md §2)."""
