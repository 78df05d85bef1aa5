"""Which of our two APIs a listener may serve. Pure.

`register_web_resource` puts the guard on every HTTP listener of a process, the replication listener included, so it
must ask which names the listener was given and answer "no such thing" on the others (isolation.md, second table of §1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from synapse_sferum.guard.routes import Surface


@frozen(kw_only=True)
class Listener:
    """One HTTP listener of homeserver.yaml. `tag` is what a request carries: the port, or a tag set by hand."""

    tag: str
    names: frozenset[str]
    compress: bool = False


@frozen(kw_only=True)
class Serving:
    """What a listener serves of one API: Synapse's servlet groups, or None for all of them."""

    groups: tuple[str, ...] | None
    compress: bool = False


class AmbiguousListeners(Exception):
    """Two listeners cannot be told apart."""

    def __init__(self, tag: str) -> None:
        super().__init__(
            f"two listeners have the tag {tag!r} but different resource names, so the guard cannot "
            "tell what a request may reach; give each its own `tag` in homeserver.yaml"
        )


def serving(listener: Listener, surface: Surface, has_media: bool) -> Serving | None:
    """What Synapse itself would serve there (app/homeserver.py, app/generic_worker.py), or None.

    `has_media` says whether this process runs the media repository.
    """
    whole = surface.value
    if whole in listener.names:
        return Serving(groups=None, compress=listener.compress)
    parts = {Surface.CLIENT: ("media",), Surface.FEDERATION: ("openid", "media")}[surface]
    groups = tuple(
        name for name in parts if name in listener.names and (name != "media" or has_media)
    )
    return Serving(groups=groups) if groups else None


def by_tag(
    listeners: Iterable[Listener], surface: Surface, has_media: bool
) -> Mapping[str, Serving]:
    """What each tag serves of one API; a tag that serves nothing is absent.

    Raises:
        AmbiguousListeners: two listeners share a tag and serve different things.
    """
    found: dict[str, Serving | None] = {}
    for listener in listeners:
        here = serving(listener, surface, has_media)
        if found.setdefault(listener.tag, here) != here:
            raise AmbiguousListeners(listener.tag)
    return {tag: here for tag, here in found.items() if here is not None}
