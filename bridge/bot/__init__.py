"""The staff bot: what waits for the administration appears in its room, and is decided there."""
