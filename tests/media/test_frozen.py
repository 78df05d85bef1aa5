"""Values that only a type checker keeps from being changed."""

from __future__ import annotations

from media.frozen import frozen


@frozen
class Point:
    """Two numbers."""

    x: int
    y: int = 0


@frozen(eq=False)
class Thing:
    """One of its own."""

    name: str


def test_values_of_the_same_fields_are_the_same_value() -> None:
    """They are equal, have one hash and no other attributes, as those of `attrs.frozen`."""
    assert Point(1) == Point(x=1, y=0) != Point(2)
    assert {Point(1), Point(1, 0), Point(2)} == {Point(2), Point(1)}
    assert not hasattr(Point(1), "__dict__")
    assert repr(Point(1)) == "Point(x=1, y=0)"


def test_what_is_not_compared_is_known_by_which_object_it_is() -> None:
    """With `eq=False` two of the same fields are two."""
    one, other = Thing("a"), Thing("a")
    assert one != other
    assert len({one, other, one}) == 2
