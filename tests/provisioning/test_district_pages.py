"""`sferum district status` as the operator meets it: lines, JSON, and pages looked at in a browser."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from playwright.async_api import Page, async_playwright

from provisioning.cli import main
from provisioning.district import draft as drafts
from provisioning.district import refusals
from provisioning.district.folder import Folder
from provisioning.district.judging import Report, judged
from provisioning.district.looks import Look
from provisioning.district.pages import page, write_pages
from provisioning.district.question import Asked, Fault
from tests.bridge.web.axe import assert_accessible
from tests.provisioning.district_schools import (
    ISSUED,
    NOW_S,
    OPERATOR,
    answered,
    draft_of,
    two_keys,
)
from tests.provisioning.test_district_asking import at, serving
from tests.support.chromium import OFFLINE

#: Where pictures go for a person to look at; nowhere by default.
PICTURES = os.environ.get("SFERUM_PICTURES", "")
#: A whole district; and one of which nearly every school is in trouble, which axe reads in a fraction of the time.
MANY, FEW = 300, 26
Run = Callable[..., int]


def district(schools: int = FEW) -> Report:
    """So many schools: of each kind of trouble there is one, the others are well."""
    names = [f"school{number}.district-56.example" for number in range(1, schools + 1)]
    draft = draft_of(*names)
    draft = drafts.with_room(
        draft, "maths", "Учителя математики", names[0], ["teacher"], ["teacher"], "математика"
    )
    draft = drafts.with_room(draft, "news", "Объявления", names[0], ["staff"], ["director"])
    draft = drafts.with_pairs(draft, ["staff:staff", "teacher:student"])
    draft = drafts.with_isolation(draft, names[20], True)
    draft = evolve(draft, operator_keys=two_keys(draft))
    long = "Муниципальное бюджетное общеобразовательное учреждение «Средняя школа с углублённым изучением языков № 7»"
    renamed = {names[6]: evolve(draft.schools[names[6]], name=long)}
    draft = evolve(draft, schools={**draft.schools, **renamed})
    troubles: list[dict[str, Any]] = [
        {"register__serial": 9, "register__standing": "expired", "health__dead": 3},
        {"register__serial": 11},
        {"register__standing": "not_listed"},
        {"register__standing": "none", "register__serial": 0},
        {"register__refusal": "two_faces"},
        {"health__held": 1},
        {"health__lag_s": 4_000, "health__waiting": 12},
        {"counts__common_waiting": 2},
        {"versions__sferum": "0.0.9"},
        {"time": NOW_S + 90},
        {"register__serial": 14},
        {"health__schema_found": 9},
    ]
    asked = {name: answered(school) for name, school in draft.schools.items()}
    for name, changes in zip(names, troubles, strict=False):
        asked[name] = answered(draft.schools[name], **changes)
    for name, fault in zip(names[len(troubles) :], Fault, strict=False):
        asked[name] = Asked(fault=fault, detail="ed25519:a_new")
    issued = evolve(ISSUED, expires_s=NOW_S + 5 * 86_400, changed=True)
    before = {
        name: Look(answers=True, since_s=NOW_S - 9_000, heard_s=NOW_S - 9_000, serial=11)
        for name in names
    }
    return judged(draft, issued, asked, before, NOW_S, "0.1.0")


async def shown(page_: Page) -> int:
    """Schools that the filter leaves."""
    found: int = await page_.evaluate(
        "[...document.querySelectorAll('tbody tr')].filter(row => row.offsetParent).length"
    )
    return found


@pytest.mark.integration
async def test_the_pages_in_a_browser(tmp_path: Path) -> None:
    """Accessible and at most 320 px wide in both languages, each leads to the other; three hundred schools fit as well,
    the filter works without scripts, and nothing but the files themselves is loaded.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed; run scripts/install-services")
    write_pages(district(), tmp_path / "few")
    report = district(MANY)
    write_pages(report, tmp_path / "many")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=OFFLINE)
        page_ = await browser.new_page(viewport={"width": 1280, "height": 900})
        asked: list[str] = []
        page_.on("request", lambda request: asked.append(request.url))
        await page_.goto((tmp_path / "few" / "index.html").as_uri())
        for language, other in (("ru", "English"), ("en", "Русский")):
            assert await page_.get_attribute("html", "lang") == language
            await page_.locator("summary").first.click()
            await assert_accessible(page_)
            await pictured(page_, language)
            await page_.click(f"text={other}")
        await page_.set_viewport_size({"width": 320, "height": 740})
        await page_.goto((tmp_path / "many" / "index.html").as_uri())
        for name, wanted in (
            ("silent", report.silent),
            ("behind", report.behind),
            ("needy", report.in_need),
            ("all", MANY),
        ):
            await page_.check(f"#{name}")
            assert await shown(page_) == wanted
        assert await page_.evaluate("document.documentElement.scrollWidth") <= 320
        await browser.close()
    assert {Path(url).name for url in asked} == {"index.html", "en.html"}


async def pictured(page_: Page, language: str) -> None:
    """Pictures for a person, if somebody wants them."""
    if not PICTURES:
        return
    for width in (320, 1280):
        await page_.set_viewport_size({"width": width, "height": 900})
        path = Path(PICTURES) / f"district_{language}_{width}.png"
        await page_.screenshot(path=path, full_page=True)
    await page_.emulate_media(media="print")
    await page_.screenshot(path=Path(PICTURES) / f"district_{language}_print.png", full_page=True)
    await page_.emulate_media(media="screen")
    await page_.set_viewport_size({"width": 1280, "height": 900})


def test_names_mark_up_nothing() -> None:
    """What an operator or a school wrote is text on the page, whatever it looks like."""
    draft = drafts.with_school(
        draft_of(), "a.example", "<b>Школа</b>", "<i>office", ["ed25519:a=" + "A" * 43]
    )
    asked = {"a.example": Asked(fault=Fault.UNREACHABLE, detail="<u>why")}
    shown = page(judged(draft, ISSUED, asked, {}, NOW_S, "0.1.0"), "ru")
    assert "&lt;b&gt;Школа&lt;/b&gt;" in shown
    assert not any(tag in shown for tag in ("<b>", "<i>", "<u>"))


def test_a_district_without_schools_has_a_page() -> None:
    """Before the first school the page says how to add one."""
    report = judged(draft_of(), ISSUED, {}, {}, NOW_S, "0.1.0")
    assert "sferum district add-school" in page(report, "ru")


def test_pages_are_for_the_operator_alone(tmp_path: Path) -> None:
    """Nobody else may read them, and where the register is served none are written."""
    report = district()
    target = tmp_path / "pages"
    write_pages(report, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {0o600}
    served = tmp_path / "www"
    (served / "status").mkdir(parents=True)
    (served / "register.json").write_text("{}")
    for place in (served, served / "status", served / "status" / "deeper"):
        with pytest.raises(refusals.PublicPlace):
            write_pages(report, place)
    (served / "district.json").write_text("{}")  # the operator's own folder has both
    write_pages(report, served / "status")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`sferum district status` in an empty folder, in Russian."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    monkeypatch.delenv("SFERUM_DISTRICT", raising=False)
    return lambda *argv: main(["district", *argv])


def begun(*names: str, port: int = 1) -> Folder:
    """The operator's folder, signed."""
    folder = Folder(Path("district"))
    folder.begin()
    folder.make_key(1, OPERATOR)
    folder.write(at(port, *names))
    assert main(["district", "sign"]) == 0
    return folder


def test_the_command(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """It asks, tells what needs somebody first with what to do, writes the pages, and remembers since when."""
    with serving() as servers:
        begun("well.example", "broken.example", port=servers.port)
        capsys.readouterr()
        assert run("status", "--pages", "pages") == 1
        told = capsys.readouterr()
        first = json.loads(Path("district/looks.json").read_text())["schools"]
        assert run("status", "--json") == 1
        found = json.loads(capsys.readouterr().out)
    lines = told.out.splitlines()
    assert lines[0].startswith("Реестр № 1, ")
    named = [line for line in lines if ".example" in line]
    assert [line[0] for line in named] == [
        "✘",
        "✘",
    ]  # one has a register of a serial that nobody signed here
    assert any("ошибкой 500" in line for line in lines)
    assert any(line.strip().startswith("→") for line in lines)
    assert "Страницы: " in lines[-1]
    assert Path("pages/index.html").exists()
    assert first["well.example"]["answers"]
    assert not first["broken.example"]["answers"]
    schools = {school["server_name"]: school for school in found["schools"]}
    assert schools["broken.example"]["look"]["since_s"] == first["broken.example"]["since_s"]
    assert schools["broken.example"]["fault"] == "http"
    assert schools["well.example"]["status"]["serial"] == 12
    assert found["register"]["serial"] == 1


@pytest.mark.parametrize("spoil", ["key", "register", "folder", "place"])
def test_without_what_it_needs(run: Run, spoil: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the key that signs the question, a signed register, a folder, or a place for pages that is not public, it
    asks nobody, and says what is amiss.
    """
    folder = begun("well.example")
    if spoil == "key":
        folder.key_file(1).write_text("")
    elif spoil == "register":
        folder.register.unlink()
    elif spoil == "place":
        Path("www").mkdir()
        Path("www/register.json").write_text("{}")
    argv = {
        "folder": ("status", "--dir", "nowhere"),
        "place": ("status", "--pages", "www/status"),
    }.get(spoil, ("status",))
    capsys.readouterr()
    assert run(*argv) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not Path("district/looks.json").exists()


def test_an_address_in_the_register(run: Run) -> None:
    """add-school takes where the server answers, the register carries it, and an entry without one has none."""
    folder = begun()
    school = (
        "add-school",
        "a.example",
        "Школа",
        "--contact",
        "x",
        "--key",
        "ed25519:a=" + "A" * 43,
    )
    assert run(*school, "--address", "https://matrix.a.example") == 0
    assert folder.read().schools["a.example"].address == "https://matrix.a.example"
    assert run("sign") == 0
    document = json.loads(folder.register.read_text())
    assert document["schools"][0]["address"] == "https://matrix.a.example"
    assert run(*school) == 0
    assert "address" not in drafts.contents(folder.read())["schools"][0]
    for bad in ("http://a.example", "https://a.example/", "https://u@a.example", "ftp://a", "x"):
        assert run(*school, "--address", bad) == 3


def test_the_signed_register_must_be_the_operator_s(run: Run) -> None:
    """A register in the folder that somebody else signed is not taken for the last one."""
    folder = begun("well.example")
    document = json.loads(folder.register.read_text())
    folder.register.write_text(json.dumps({**document, "serial": 99}))
    assert run("status") == 3
