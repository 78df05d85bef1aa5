"""Broadcasts: one stage, ten thousand who watch (R27, R46 to R48)."""
