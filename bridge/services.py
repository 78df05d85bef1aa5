"""What pages and bot work with: handed to each by `__main__`, or by a test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from bridge.answers import Chance, Settings
from bridge.config import Config
from bridge.ports import Store, Vault
from bridge.ports_directory import Directory
from bridge.ports_exports import Exports
from bridge.ports_homeserver import Homeserver
from bridge.ports_materials import Materials
from bridge.ports_quiet import QuietHours
from bridge.ports_schedule import Schedules
from bridge.posted_files import PostedFiles

if TYPE_CHECKING:
    from bridge.writer import Writer


@frozen(kw_only=True)
class Services:
    """Attributes:
    clock: the wall clock; pages take `visit.now` instead, one time for one request.
    random_bytes: for tokens and account names.
    """

    config: Config
    store: Store
    vault: Vault
    directory: Directory
    homeserver: Homeserver
    schedules: Schedules
    materials: Materials
    posted: PostedFiles
    quiet: QuietHours
    exports: Exports
    writer: Writer
    settings: Settings
    chance: Chance
    clock: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]
