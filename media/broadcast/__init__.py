"""Broadcasts: one stage, up to ten thousand viewers two seconds later."""
