"""SDP as browsers and SDKs write it: read, answered, offered. `api.py` is what the signalling uses. Pure."""
