"""Every private name of Synapse that the module relies on, and nothing else.

Verified on 1.163.x; `tests/synapse_sferum/test_private_names.py` is the contract test that an upgrade must pass first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapse.module_api import ModuleApi

if TYPE_CHECKING:
    from synapse.util.clock import Clock


def clock_of(api: ModuleApi) -> Clock:
    """Synapse's clock; its cache descriptors read it off the instance they are used on."""
    return api._clock
