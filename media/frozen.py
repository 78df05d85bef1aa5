"""Values that a type checker keeps from being changed, and nothing else does.

`attrs.frozen` makes each field through `object.__setattr__`. A join makes some five hundred values: that was a tenth
of its time (benchmarks.md). attrs recommends this where a type checker looks at all code, as it does here.
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
