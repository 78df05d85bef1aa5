"""One UDP port and one TCP port for everybody: ICE-lite, DTLS, data channels. `api.py` is what others use."""
