"""Broadcasts: one stage, up to ten thousand who watch."""
