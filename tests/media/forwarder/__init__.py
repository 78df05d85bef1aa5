"""The forwarder, from bytes to scripts with real WebRTC ends."""
