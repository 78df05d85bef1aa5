"""The command that writes an edge's nginx.conf: `python -m media.broadcast.edges --help`."""
