"""What happens in a call: events in, commands out. Pure: no network, no clock, no log, no randomness.

`Room.handle(event, now)` (`room.py`) answers with commands in the order in which they must be carried out. Whoever
carries them out (media/signal) turns messages into protobuf, negotiates, speaks to the forwarder, and decides nothing.
"""
