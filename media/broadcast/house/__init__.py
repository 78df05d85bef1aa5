"""Broadcasts put together: who comes in, what runs, what viewers say; behind the pages of `media/broadcast/pages`."""
