"""How a broadcast comes in from a browser or OBS (WHIP, RFC 9725), and goes out to a few who need it at once (WHEP)."""
