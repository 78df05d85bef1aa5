"""What the signalling uses of SDP. Pure.

A publisher's (v0) or single (v1) connection::

    offer = parse(text, cache)                       # SdpError names the line
    taken = allocator.fill(offer)                    # v1: which of our tracks go into which recvonly section
    answer = build_answer(offer, local, policy, outgoing=taken, wishes={mid: Wish(codec, dtx=True)})
    text = write(answer)
    Incoming = incoming(offer_section, answer_section)   # what the forwarder must know of a published section
    Sending = sending(answer_section)                    # payload types and extensions towards the client

A subscriber's connection (v0)::

    table.put(outgoing) / table.drop(sid)
    offer = build_offer(table.sections(), local, version=n)
    table.answered(parse(text))
"""

from __future__ import annotations

from media.sdp.allocator import SectionAllocator, SectionTable, Slot
from media.sdp.answer import Answers, Local, Outgoing, Policy, Wish, build_answer
from media.sdp.offer import Built, build_offer
from media.sdp.parser import Cache, Limits, SdpError, parse, parse_candidate
from media.sdp.streams import Incoming, Looks, Sending, incoming, sending, shown_in, track_of
from media.sdp.values import (
    Candidate,
    CodecLine,
    Description,
    Direction,
    ExtensionLine,
    Fingerprint,
    Rid,
    Section,
    SectionKind,
    Setup,
    SsrcGroup,
    Transport,
)
from media.sdp.writer import Texts, write

__all__ = [
    "Answers",
    "Built",
    "Cache",
    "Candidate",
    "CodecLine",
    "Description",
    "Direction",
    "ExtensionLine",
    "Fingerprint",
    "Incoming",
    "Limits",
    "Local",
    "Looks",
    "Outgoing",
    "Policy",
    "Rid",
    "SdpError",
    "Section",
    "SectionAllocator",
    "SectionKind",
    "SectionTable",
    "Sending",
    "Setup",
    "Slot",
    "SsrcGroup",
    "Texts",
    "Transport",
    "Wish",
    "build_answer",
    "build_offer",
    "incoming",
    "parse",
    "parse_candidate",
    "sending",
    "shown_in",
    "track_of",
    "write",
]
