"""Pages of the district's schools for the operator: files in a folder, to be opened in a browser and printed.

They know whom to call at each school and what is wrong there, so they are for the operator alone: no program serves
them, nobody else may read the files, and they are not written beside the register, which everybody reads.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from provisioning.district import refusals
from provisioning.district.draft import DAY_S
from provisioning.district.folder import replace
from provisioning.district.judging import Report
from provisioning.district.judging_texts import remedy, sentence
from provisioning.district.status_report import MARKS, moment
from provisioning.doctor_finding import Level
from provisioning.language import say
from provisioning.problem_texts import Language

TEMPLATES = Path(__file__).parent / "templates"
#: Language → file.
FILES: dict[Language, str] = {"ru": "index.html", "en": "en.html"}
ROLES: dict[str, tuple[str, str]] = {
    "staff": ("сотрудники", "staff"),
    "director": ("директор", "director"),
    "deputy": ("заместитель директора", "deputy"),
    "administrator": ("администратор", "administrator"),
    "teacher": ("учитель", "teacher"),
    "student": ("ученик", "pupil"),
    "guardian": ("родитель", "parent"),
}


def page(report: Report, language: Language) -> str:
    """The district as one page without scripts, its style within."""
    shown = partial(moment, language=language)
    return (
        _environment()
        .get_template("district.html")
        .render(
            report=report,
            draft=report.draft,
            issued=report.issued,
            days=(report.issued.expires_s - report.made_s) // DAY_S,
            language=language,
            files=FILES,
            t=partial(say, language),
            role=lambda word: say(language, *ROLES[word]),
            moment=shown,
            sentence=lambda finding: sentence(finding, language, shown),
            remedy=lambda finding: remedy(finding, language),
            mark=MARKS.__getitem__,
            css_class={Level.OK: "well", Level.WARNING: "look", Level.ERROR: "bad"}.__getitem__,
        )
    )


def private_place(target: Path) -> Path:
    """The folder for the pages, if it is none that everybody may read.

    Raises:
        PublicPlace: in it, or in a folder around it, the register is served.
    """
    there = target.resolve()
    for place in (there, *there.parents):
        if (place / "register.json").exists() and not (place / "district.json").exists():
            raise refusals.PublicPlace(str(place))
    return there


def write_pages(report: Report, target: Path) -> None:
    """The page in each language, for this user alone.

    Raises:
        PublicPlace.
    """
    there = private_place(target)
    there.mkdir(mode=0o700, parents=True, exist_ok=True)
    for language, name in FILES.items():
        replace(there / name, page(report, language).encode(), 0o600)


@cache
def _environment() -> Environment:
    """Everything is escaped, an unknown name is an error."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
