"""The ladder: in which sizes a publisher's picture is offered, and the coder of those that the publisher does not send.

what the publisher sends ─▶ choice (pure) ─▶ passed on as they are │ made here
RtpPacket ─▶ vp8 ─▶ Coded ─▶ transcoder ══ wire ══▶ worker (a process of its own): coding ══ wire ══▶ Made
"""
