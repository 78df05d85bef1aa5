"""Broadcasts: one stage, up to ten thousand people of the school who watch (R46-R48)."""
