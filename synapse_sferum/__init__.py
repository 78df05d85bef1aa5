"""Sferum's module for Synapse: the directory of schools, their managed rooms, and who may reach whom.

`homeserver.yaml` names `synapse_sferum.SferumModule`. The pure parts (model, policy, desired, plan, roster)
import nothing
of Synapse, so importing the package must not either: the module class is loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synapse_sferum.module import SferumModule

__all__ = ["SferumModule"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "SferumModule":
        from synapse_sferum.module import SferumModule  # noqa: PLC0415 - see the docstring

        return SferumModule
    raise AttributeError(name)
