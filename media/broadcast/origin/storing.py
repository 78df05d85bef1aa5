"""The mirror of the settings: a session to the storage, and what requests are signed with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from media.broadcast.origin.bucket import Bucket
from media.broadcast.origin.mirror import Mirror
from media.broadcast.origin.signing import Credentials
from media.broadcast.settings import Storage
from serving.secret_files import read_secret

#: Connections to the storage.
_MOST = 8


@asynccontextmanager
async def open_mirror(
    storage: Storage, key: bytes, wall: Callable[[], float]
) -> AsyncIterator[Mirror]:
    """Until the end of the block.

    Args:
        key: what the names of folders are made with.
        wall: seconds since 1970.

    Raises:
        BadSecret: of the file with the storage's secret.
    """
    credentials = Credentials(storage.key_id, read_secret(storage.secret_file), storage.region)
    connector = TCPConnector(limit=_MOST)
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as session:
        bucket = Bucket(
            session=session,
            url=storage.url,
            name=storage.bucket,
            credentials=credentials,
            wall=lambda: datetime.fromtimestamp(wall(), UTC),
        )
        yield Mirror(bucket=bucket, key=key)
