"""Names of people for hosts' pages: the call knows none, the module does. Asked for hosts alone, kept for minutes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence

from attrs import define, field

from serving.json_http import JsonHttp, NoAnswer, path_of

PATH = "/_synapse/client/sferum/v1/accounts"
#: Seconds that a name is kept; names; names asked for at one time.
KEEP_S, MOST, AT_ONCE = 300.0, 2_000, 30


@define
class Names:
    """Attributes:

    tokens: service tokens, as their file says now.
    """

    _http: JsonHttp
    _tokens: Callable[[], Sequence[str]] = field(repr=False)
    _clock: Callable[[], float]
    _kept: OrderedDict[str, tuple[float, str]] = field(factory=OrderedDict, init=False, repr=False)

    async def of(self, accounts: Collection[str]) -> Mapping[str, str]:
        """Those that are known; whoever is missing has no name today."""
        now = self._clock()
        found: dict[str, str] = {}
        asked = 0
        for account in sorted(filter(None, accounts)):
            kept = self._kept.get(account)
            if kept is not None and now - kept[0] < KEEP_S:
                found[account] = kept[1]
            elif asked < AT_ONCE:
                asked += 1
                name = await self._ask(account)
                if name:
                    found[account] = name
                    self._keep(account, name, now)
        return found

    async def _ask(self, account: str) -> str:
        for token in self._tokens():
            try:
                answer = await self._http.ask("GET", PATH + path_of(account), token=token)
            except NoAnswer:
                return ""
            if answer.status != 401:
                name = answer.json.raw.get("display_name")
                return name if answer.status == 200 and isinstance(name, str) else ""
        return ""

    def _keep(self, account: str, name: str, now: float) -> None:
        self._kept[account] = (now, name)
        self._kept.move_to_end(account)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
