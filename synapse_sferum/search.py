"""Finding people by name, answered from our own table.

Synapse's directory filters after its LIMIT, so sixty namesakes of another school leave nothing for one's own
(isolation.md, second table of §1). Here a search never leaves the school: a range scan over the index
(org_id, word, person_id).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen
from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_sferum.config import Config
from synapse_sferum.facts import Facts
from synapse_sferum.parties import Parties
from synapse_sferum.policy import may_find

#: Candidates looked at in one step, and at most: a search of one letter in a school of 100,000 stops there.
_STEP, _MOST = 200, 4_000
#: Longest search taken in: words beyond that are of no use to anyone.
_LONGEST, _WORDS = 100, 4

_BETWEEN_WORDS = re.compile(r"[\s\-.,'’]+")


@frozen
class Found:
    """One person in the answer, and where in the index: the word that matched, and the record."""

    user_id: str
    display_name: str
    word: str
    person_id: str


def words_of_search(term: str) -> list[str]:
    """What is typed → words as the table has them: casefolded, ё as е, the longest first."""
    folded = term[:_LONGEST].casefold().replace("ё", "е")
    words = {word for word in _BETWEEN_WORDS.split(folded) if word}
    return sorted(words, key=lambda word: (-len(word), word))[:_WORDS]


def after(prefix: str) -> str:
    """The least string that no word with this prefix reaches (both databases compare by code point)."""
    return prefix + "\U0010ffff"


def candidates_txn(
    txn: LoggingTransaction, org_id: str, words: Sequence[str], last: Found | None
) -> list[Found]:
    """Active people of one school who have every one of `words` (at least one) as a prefix of a name.

    In the order of the index, from `last` on, so that no step sorts or counts what it does not return; somebody with
    two words that match is there twice.
    """
    first, *others = words
    has = (
        " AND EXISTS (SELECT 1 FROM sferum_people_words AS o"
        " WHERE o.person_id = w.person_id AND o.word >= ? AND o.word < ?)"
    )
    beginning = (last.word, last.person_id) if last else (first, "")
    txn.execute(
        "SELECT p.user_id, p.family_name, p.given_name, w.word, w.person_id"
        " FROM sferum_people_words AS w JOIN sferum_people AS p ON p.person_id = w.person_id"
        " WHERE w.org_id = ? AND w.word >= ? AND w.word < ? AND (w.word, w.person_id) > (?, ?)"
        " AND p.status = 'active' AND p.user_id IS NOT NULL"
        f"{has * len(others)}"
        " ORDER BY w.word, w.person_id LIMIT ?",
        [
            org_id,
            beginning[0],
            after(first),
            *beginning,
            *(bound for word in others for bound in (word, after(word))),
            _STEP,
        ],
    )
    return [
        Found(str(user), f"{family} {given}".strip(), str(word), str(person))
        for user, family, given, word, person in txn
    ]


class PeopleSearch:
    """Answers a search for people."""

    def __init__(self, api: ModuleApi, config: Config, facts: Facts, service_user: str) -> None:
        self._api = api
        self._parties = Parties(api, config, facts, service_user)

    async def search(self, searcher: str, term: str, limit: int) -> tuple[list[Found], bool]:
        """At most `limit` people whom `searcher` may find, by name; and whether there are more."""
        who = await self._parties.one(searcher)
        words = words_of_search(term)
        if who.account is None or not words or limit < 1:
            return [], False
        org_id = who.account.org_id
        found: dict[str, Found] = {}
        limited = False
        last: Found | None = None
        for _ in range(_MOST // _STEP):
            step = await self._api.run_db_interaction(
                "sferum_people_search", candidates_txn, org_id, words, last
            )
            parties = await self._parties.of([searcher, *(person.user_id for person in step)])
            for person in step:
                if person.user_id != searcher and may_find(who, parties[person.user_id]) is None:
                    found.setdefault(person.user_id, person)
            limited = len(found) > limit
            if limited or len(step) < _STEP:
                break
            last = step[-1]
        else:
            limited = True
        first = list(found.values())[:limit]
        return sorted(first, key=lambda person: person.display_name), limited
