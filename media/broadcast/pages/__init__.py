"""Pages of a broadcast: watching it, and leading it."""
