"""The register in the tables, where every process reads it: who is let in, and how it stands."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from synapse.module_api import LoggingTransaction

from synapse_sferum.district.force import Peer, Standing
from synapse_sferum.district.refusals import BadRegister
from synapse_sferum.district.register import Register

_STATE = (
    "district, serial, issued_s, expires_s, standing, refusal, refused_where, asked_ms, agreed_ms,"
    " operator_key"
)


def write_peers_txn(txn: LoggingTransaction, peers: Mapping[str, Peer]) -> list[str]:
    """Make the table of servers the same as `peers`; the names of those that changed."""
    txn.execute(
        "SELECT server_name, name, role_pairs, until_ms, server_keys FROM sferum_peer_servers"
    )
    before = {str(row[0]): tuple(row) for row in txn}
    after = {name: _row(peer) for name, peer in peers.items()}
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    for name in changed:
        txn.execute("DELETE FROM sferum_peer_servers WHERE server_name = ?", (name,))
        if name in after:
            txn.execute(
                "INSERT INTO sferum_peer_servers"
                " (server_name, name, role_pairs, until_ms, server_keys) VALUES (?, ?, ?, ?, ?)",
                after[name],
            )
    return sorted(changed)


def _row(peer: Peer) -> tuple[str, str, str, int, str]:
    keys = {key_id: _base64(key) for key_id, key in peer.keys.items()}
    return (
        peer.server_name,
        peer.name,
        json.dumps(sorted(peer.role_pairs)),
        peer.until_s * 1000,
        json.dumps(keys, sort_keys=True),
    )


def write_state_txn(
    txn: LoggingTransaction,
    district: str,
    held: Register | None,
    standing: Standing,
    refused: BadRegister | None,
    asked_ms: int,
    agreed_ms: int,
) -> None:
    """Write how the register stands, for /health and the operator; and the operator's key that is trusted now."""
    txn.execute("DELETE FROM sferum_register")
    txn.execute(
        f"INSERT INTO sferum_register ({_STATE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            district,
            0 if held is None else held.serial,
            0 if held is None else held.issued_s,
            0 if held is None else held.expires_s,
            standing.value,
            "" if refused is None else refused.reason.value,
            "" if refused is None else refused.where,
            asked_ms,
            agreed_ms,
            "" if held is None else _base64(held.operator_keys[-1]),
        ),
    )


def clear_txn(txn: LoggingTransaction) -> list[str]:
    """A school of no district: no servers, no state. The names of servers that were let in until now."""
    txn.execute("DELETE FROM sferum_register")
    return write_peers_txn(txn, {})


def agreed_ms_txn(txn: LoggingTransaction) -> int:
    """When the district last answered with what we believe, milliseconds since 1970; 0: never."""
    txn.execute("SELECT agreed_ms FROM sferum_register")
    row = txn.fetchone()
    return int(row[0]) if row else 0


def schools_txn(txn: LoggingTransaction, now_ms: int) -> list[tuple[str, str]]:
    """(server name, name) of the schools that are let in at `now_ms`, by name."""
    txn.execute(
        "SELECT server_name, name FROM sferum_peer_servers WHERE until_ms > ?"
        " ORDER BY name, server_name",
        (now_ms,),
    )
    return [(str(row[0]), str(row[1])) for row in txn]


def state_txn(txn: LoggingTransaction) -> dict[str, Any] | None:
    """How the register stands; None: this school is of no district."""
    txn.execute(f"SELECT {_STATE} FROM sferum_register")
    row = txn.fetchone()
    if row is None:
        return None
    found = dict(zip(_STATE.split(", "), row, strict=True))
    txn.execute("SELECT COUNT(*) FROM sferum_peer_servers")
    counted = txn.fetchone()
    return {**found, "peers": int(counted[0]) if counted else 0}


def trusted_key_txn(txn: LoggingTransaction) -> bytes | None:
    """The operator's key of the register held, 32 octets; None: none is held."""
    txn.execute("SELECT operator_key FROM sferum_register")
    row = txn.fetchone()
    return base64.b64decode(f"{row[0]}=") if row and row[0] else None


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode().rstrip("=")
