"""Values that a type checker keeps from being changed, and nothing else does.

`attrs.frozen` makes each field through `object.__setattr__`, and a join makes hundreds of values: with `define` for all
of them it cost 0.93 of what it did (0.89 to 0.99, three pairs of runs). A type checker looks at all code here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define

__all__ = ["frozen"]

if TYPE_CHECKING:
    from attrs import frozen
else:

    def frozen(of: type | None = None, **options: Any) -> Any:
        """`attrs.frozen`, but for its guard: compared and hashed by its fields unless `eq=False`."""
        options.setdefault("unsafe_hash", None if options.get("eq") is False else True)
        options.setdefault("on_setattr", None)
        return define(of, **options) if of is not None else lambda later: define(later, **options)
