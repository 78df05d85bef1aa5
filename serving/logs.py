"""Lines of the log: to stderr, ids and words of ours only. What other libraries say could quote a person.

systemd or `sferum run` keeps the lines; nothing here writes a file.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any, ClassVar

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from attrs import frozen
from prometheus_client import Histogram

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Bare(logging.Formatter):
    """A trace without the error's own words: they may hold what somebody typed."""

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's name
        kind, error, place = ei
        if kind is None or error is None:
            return ""
        lines = "".join(traceback.format_tb(place)).rstrip()
        return f"{lines}\n{kind.__name__}"


@frozen
class OfOthers:
    """A filter: of another library's line only who, how bad and where is kept; those of `ours` pass as they are."""

    ours: str

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] != self.ours:
            record.msg = "said something that is not shown at=%s:%s"
            record.args = (record.filename, record.lineno)
        return True


class AccessLog(AbstractAccessLogger):
    """Method, the route's pattern, status, milliseconds. Never the path or the query (they hold invites and tokens),
    an address or a browser.

    Attributes:
        seconds: the figure of answers, by route and status.
        dull: routes that are asked for all day by machines; said at debug.
    """

    seconds: ClassVar[Histogram]
    dull: ClassVar[tuple[str, ...]]

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        pattern = shape_of(request)
        self.seconds.labels(pattern, f"{response.status // 100}xx").observe(time)
        level = logging.DEBUG if pattern in self.dull else logging.INFO
        method = request.method if request.method.isalpha() and request.method.isupper() else "?"
        self.logger.log(level, "%s %s %s %.0f ms", method, pattern, response.status, time * 1000)


def shape_of(request: web.BaseRequest) -> str:
    """The pattern of the route that answered; "?" for an address of ours that does not exist."""
    info = getattr(request, "match_info", None)
    resource: Any = getattr(getattr(info, "route", None), "resource", None)
    return str(resource.canonical) if resource is not None else "?"


def set_up_logging(ours: str, silent: Iterable[str] = (), level: int = logging.INFO) -> None:
    """For the whole process; call it once, before anything else.

    Args:
        ours: the package whose lines are shown as they are, from `level` up.
        silent: libraries that say nothing at all.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Bare(FORMAT))
    handler.addFilter(OfOthers(ours))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(ours).setLevel(level)
    for name in silent:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def first_of(error: BaseException) -> BaseException:
    """Of a group of errors the first one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def place_of(error: BaseException) -> str:
    """`file.py:12`, where an error arose."""
    place = first_of(error).__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return "?"
    return f"{place.tb_frame.f_code.co_filename.rpartition('/')[2]}:{place.tb_lineno}"


def kind_of(error: BaseException) -> str:
    """The class of an error. Its message could quote what a log must not have."""
    return type(first_of(error)).__name__
