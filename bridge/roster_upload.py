"""A school's files from the upload to a roster: kept sealed for an hour, read as often as the pages need it."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import evolve, field, frozen

from bridge.people import Org
from bridge.ports import Store
from bridge.records import RosterUpload, UploadId
from bridge.roles import Account, OrgId
from bridge.roster_files import (
    MOST_BYTES,
    MOST_FILES,
    Bundle,
    DamagedBundle,
    pack,
    shown_name,
    unpack,
)
from bridge.services import Services
from bridge.vault import CannotUnseal
from provisioning.readers.files import (
    Options,
    SourceFile,
    read_roster,
    school_year_on,
    tables_of,
)
from provisioning.readers.mapping import BadMapping, ColumnMapping, format_mapping, parse_mapping
from provisioning.readers.outline import Outline, outline
from provisioning.reading import Reading
from provisioning.roster import is_school_year

logger = logging.getLogger(__name__)

LIFETIME = timedelta(hours=1)


class UploadRefusal(enum.Enum):
    """Why files are not taken. The values are stable: logged, counted, tested."""

    NO_FILES = "no_files"
    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"
    YEAR = "year"


@frozen(kw_only=True)
class Opened:
    """An upload as it is understood with the school's mapping of today."""

    upload: RosterUpload
    bundle: Bundle = field(repr=False)
    mapping: ColumnMapping = field(repr=False)
    reading: Reading = field(repr=False)
    outlines: tuple[Outline, ...] = field(repr=False)


async def keep_upload(
    by: Account,
    files: Sequence[tuple[str, bytes]],
    now: datetime,
    *,
    school_year: str = "",
    services: Services,
) -> UploadId | UploadRefusal:
    """Keep files (name, contents), sealed, instead of what the same account sent before."""
    given = [SourceFile(shown_name(name), content) for name, content in files if name or content]
    if not given:
        return UploadRefusal.NO_FILES
    if len(given) > MOST_FILES:
        return UploadRefusal.TOO_MANY
    if sum(len(one.content) for one in given) > MOST_BYTES:
        return UploadRefusal.TOO_LARGE
    if school_year and not is_school_year(school_year):
        return UploadRefusal.YEAR
    upload_id = UploadId(services.chance.new_id())
    bundle = Bundle(files=tuple(given), school_year=school_year)
    packed = await asyncio.to_thread(pack, bundle)
    upload = RosterUpload(
        id=upload_id,
        org_id=by.org_id,
        user_id=by.user_id,
        sealed=services.vault.seal(packed, _purpose(upload_id)),
        expires_at=now + LIFETIME,
    )
    async with services.store.begin() as work:
        await work.uploads.purge(now)
        await work.uploads.put(upload)
    logger.info(
        "lists uploaded upload=%s org=%s by=%s files=%s",
        upload_id, by.org_id, by.user_id, len(given),
    )  # fmt: skip
    return upload_id


async def choose_school(by: Account, opened: Opened, school: str, *, services: Services) -> None:
    """Which school of an archive of several is meant; the upload's time does not begin anew."""
    packed = await asyncio.to_thread(pack, evolve(opened.bundle, school=school))
    sealed = services.vault.seal(packed, _purpose(opened.upload.id))
    async with services.store.begin() as work:
        await work.uploads.put(evolve(opened.upload, user_id=by.user_id, sealed=sealed))


async def open_upload(
    by: Account, org: Org, upload_id: UploadId, now: datetime, *, services: Services
) -> Opened | None:
    """The upload, read; None: no such upload here, or its hour is over."""
    async with services.store.begin() as work:
        upload = await work.uploads.get(upload_id, by.org_id, now)
    if upload is None:
        return None
    mapping = await mapping_of(by.org_id, services=services)
    try:
        bundle = unpack(services.vault.unseal(upload.sealed, _purpose(upload_id)))
    except (CannotUnseal, DamagedBundle):
        return None
    today = now.astimezone(ZoneInfo(org.timezone)).date()
    options = Options(
        today=today,
        school_year=bundle.school_year or None,
        table_year=org.school_year or school_year_on(today),
        school=bundle.school or None,
        mapping=mapping,
    )
    reading, outlines = await asyncio.to_thread(_read, bundle, options)
    return Opened(upload=upload, bundle=bundle, mapping=mapping, reading=reading, outlines=outlines)


async def discard(upload_id: UploadId, *, services: Services) -> None:
    async with services.store.begin() as work:
        await work.uploads.end(upload_id)


async def forget_old(now: datetime, *, store: Store) -> int:
    """Files whose hour is over; how many uploads. Hourly, beside what each new upload does."""
    async with store.begin() as work:
        return await work.uploads.purge(now)


async def mapping_of(org_id: OrgId, *, services: Services) -> ColumnMapping:
    """What the school has said about its headings and positions."""
    async with services.store.begin() as work:
        sealed = await work.mappings.get(org_id)
    if sealed is None:
        return ColumnMapping()
    try:
        return parse_mapping(services.vault.unseal(sealed, f"mapping:{org_id}").decode())
    except (CannotUnseal, BadMapping):
        logger.warning("a school's headings cannot be read org=%s", org_id)
        return ColumnMapping()


async def keep_mapping(org_id: OrgId, mapping: ColumnMapping, *, services: Services) -> None:
    sealed = services.vault.seal(format_mapping(mapping).encode(), f"mapping:{org_id}")
    async with services.store.begin() as work:
        await work.mappings.put(org_id, sealed)


def _read(bundle: Bundle, options: Options) -> tuple[Reading, tuple[Outline, ...]]:
    """In a thread: two seconds for 20 MB, during which other pages must be answered."""
    reading = read_roster(bundle.files, options)
    tables = [table for file in bundle.files for table in tables_of(file)]
    return reading, tuple(outline(table, options.mapping) for table in tables)


def _purpose(upload_id: UploadId) -> str:
    return f"roster_upload:{upload_id}"
