"""For `make run`: codes appear on the screen of whoever started it, and go nowhere else."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from bridge.contact import shown
from bridge.ports_sending import Message, SendFailure, Sent


@frozen
class Console:
    """Implements `ports_sending.Sender`. Not the log: a log is kept, a screen is not."""

    write: Callable[[str], object]  # `print`, given by __main__

    async def send(self, message: Message) -> Sent | SendFailure:
        self.write(f"--- to {shown(message.to)}: {message.subject or 'SMS'}\n{message.text}")
        return Sent()
