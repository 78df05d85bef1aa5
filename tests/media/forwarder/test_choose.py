"""Which forwarder runs: what is wanted, what is built, and whether that fits."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from media.forwarder.choose import MODULE, NoForwarder, choose
from media.forwarder.native.sources import RUST, api_hash, rust_hash
from media.forwarder.plain.forwarder import PlainForwarder


def build(api: str, sources: str) -> ModuleType:
    made = ModuleType(MODULE)
    made.__dict__.update(API=api, SOURCES=sources, NativeForwarder=PlainForwarder, MediaEngine=list)
    return made


def installed(monkeypatch: pytest.MonkeyPatch, module: ModuleType | None) -> None:
    monkeypatch.setitem(sys.modules, MODULE, module)


def test_a_build_that_fits_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """With auto and with native; plain stays plain."""
    installed(monkeypatch, build(api_hash(), rust_hash() or ""))
    assert [choose(wanted).name for wanted in ("auto", "native", "plain")] == [
        "native",
        "native",
        "plain",
    ]


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (None, "is not built"),
        (build("another", rust_hash() or ""), "built from other sources"),
        (build(api_hash(), "another"), "built from other sources"),
        (ModuleType(MODULE), "built from other sources"),
    ],
)
def test_a_build_that_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType | None, why: str
) -> None:
    """With auto the plain one runs and the sentence says why; with native nothing does."""
    installed(monkeypatch, module)
    choice = choose("auto")
    assert choice.name == "plain"
    assert why in choice.why
    assert "make native" in choice.why
    with pytest.raises(NoForwarder, match=why):
        choose("native")


def test_sources_are_known_by_names_and_contents(tmp_path: Path) -> None:
    """A changed file, a renamed one and an added one make another hash; other files do not."""
    assert rust_hash(tmp_path) is None
    (tmp_path / "a.rs").write_text("fn one() {}")
    first = rust_hash(tmp_path)
    (tmp_path / "notes.md").write_text("of no weight")
    for apart in ("target", "fuzz/target", "io/tests"):
        (tmp_path / apart).mkdir(parents=True)
        (tmp_path / apart / "generated.rs").write_text("by cargo or an editor")
    assert rust_hash(tmp_path) == first
    (tmp_path / "b.rs").write_text("")
    assert rust_hash(tmp_path) != first
    (tmp_path / "b.rs").unlink()
    (tmp_path / "a.rs").rename(tmp_path / "c.rs")
    assert rust_hash(tmp_path) not in (first, None)
    assert rust_hash(RUST) is not None
