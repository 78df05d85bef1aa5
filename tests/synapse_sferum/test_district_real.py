"""Two schools of one district on real servers, following a register that is served, attacked and changed (R4)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from provisioning.cli import main
from provisioning.district.folder import read_json
from provisioning.district.question import question
from synapse_sferum.events import STATUS_PATH
from tests.support.fleet import Fleet
from tests.support.foreign import ForeignServer
from tests.support.polling import until
from tests.support.school import API, School
from tests.synapse_sferum.district_values import anchor, data, document, key, signed
from tests.synapse_sferum.district_world import (
    District,
    ask,
    begin_folder,
    entry,
    invites,
    join_room,
    make_room,
    open_school,
    serving,
    standing,
    texts,
    until_standing,
    write,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def district(homeserver: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    """Schools А and Б, in the register, with people signed in."""
    with serving() as web:
        made = District(web, tmp_path_factory.mktemp("district"))
        for org_id in ("school-a", "school-b"):
            made.join(homeserver, org_id)
        made.publish(10)
        for school in made.schools:
            school.server.start()
            open_school(school)
            until_standing(school, standing="open", serial=10, peers=1)
        yield made
        made.stop()


def others(school: School) -> list[dict[str, str]]:
    """What the pages of a school may say of the district's other schools."""
    path = f"{API}/district/schools"
    found: list[dict[str, str]] = school.server.call("GET", path, school.server.service_token)[
        "schools"
    ]
    return found


def test_teachers_of_two_schools_meet(district: District) -> None:
    """A teacher makes a room with a colleague of the other school, who joins; both read and write; a pupil and a parent
    of either side are not to be had, and neither are their profiles.
    """
    a, b = district.schools
    made = make_room(a, "T1", b.accounts["T1"])
    assert made.status == 200, made
    room_id = made.json["room_id"]
    until(lambda: room_id in invites(b, "T1"), what="the invitation")
    assert join_room(b, "T1", room_id).status == 200
    assert write(a, "T1", room_id, "Здравствуйте").status == 200
    until(lambda: "Здравствуйте" in texts(b, "T1", room_id), what="the message")
    assert write(b, "T1", room_id, "И вам").status == 200
    until(lambda: "И вам" in texts(a, "T1", room_id), what="the answer")
    assert ask(b, "T1", "GET", f"/profile/{quote(a.accounts['T1'])}").status == 200
    for hidden in ("P1", "G1"):
        assert make_room(a, "T1", b.accounts[hidden]).status == 403
        assert invites(b, hidden) == set()
        assert make_room(b, hidden, a.accounts["T1"]).status == 403
        assert ask(b, "T1", "GET", f"/profile/{quote(a.accounts[hidden])}").status == 404
        assert ask(b, hidden, "GET", f"/profile/{quote(a.accounts['T1'])}").status == 404


def test_registers_that_are_not_believed(district: District) -> None:
    """Rollback, another face, a stranger's key, a truncated, a huge and an absent register: the one held stays, and
    /health says why.
    """
    school = district.schools[0]
    district.publish(11)
    until_standing(school, serial=11, refusal=None)
    district.publish(9)
    until_standing(school, serial=11, refusal="rollback")
    district.publish(11, name="Другое")
    until_standing(school, serial=11, refusal="two_faces")
    district.publish(12, (100,))
    until_standing(school, serial=11, refusal="key_chain")
    district.web.body = data(signed(document()))[:200]
    until_standing(school, serial=11, refusal="not_json")
    district.web.body = b" " * 1_000_100
    until_standing(school, serial=11, refusal="too_large")
    district.web.status = 503
    until_standing(school, serial=11, refusal="unreachable", peers=1)
    district.publish(12)
    until_standing(school, serial=12, refusal=None, standing="open")
    before = district.web.unchanged
    until(lambda: district.web.unchanged > before + 2, what="answers without a body", deadline_s=40)


def test_an_outsider_and_a_thief(district: District, homeserver: Fleet) -> None:
    """A server outside the register gets 403; one with a listed name and another key than the register's gets 401."""
    a, b = district.schools
    stranger: ForeignServer = homeserver.foreign()
    path = f"/_matrix/federation/v1/query/profile?user_id={quote(a.accounts['T1'])}"
    assert stranger.signed_request(a.server, "GET", path).status == 403
    liar = stranger.signed_request(a.server, "GET", path, origin=b.server.server_name)
    assert liar.status == 401
    theirs = {**entry(b.server), "keys": entry(stranger.homeserver)["keys"]}
    real = ForeignServer(b.server)  # signs with the key that Б really has
    assert real.signed_request(a.server, "GET", path).status == 200
    district.publish(13, entries=[entry(a.server), theirs])
    until_standing(a, serial=13)
    assert real.signed_request(a.server, "GET", path).status == 401
    district.publish(14)
    for school in district.schools:
        until_standing(school, serial=14, peers=1)
    assert real.signed_request(a.server, "GET", path).status == 200


def test_a_removal_a_restart_and_a_new_key(district: District) -> None:
    """A school taken out is a stranger without a restart, also in a room and a call that live; a restart keeps it so;
    with a new key, named by the old one, it is let in again, and the old key is believed no more.
    """
    a, b = district.schools
    made = make_room(a, "D1", b.accounts["D1"])
    assert made.status == 200, made
    room_id = made.json["room_id"]
    until(lambda: room_id in invites(b, "D1"), what="the invitation")
    assert join_room(b, "D1", room_id).status == 200
    assert write(a, "D1", room_id, "До").status == 200
    path = f"{API}/calls/rights?user_id={quote(b.accounts['D1'])}&room_id={quote(room_id)}"
    assert a.server.call("GET", path, a.server.service_token)["member"]
    assert others(a) == [{"server_name": b.server.server_name, "name": "Школа"}]
    waiting = make_room(b, "T1", a.accounts["T1"]).json["room_id"]
    until(lambda: waiting in invites(a, "T1"), what="an invitation nobody has accepted")
    district.publish(15, entries=[entry(a.server)])
    until_standing(a, serial=15, peers=0, standing="open")
    until_standing(b, serial=15, peers=0, standing="not_listed")
    assert others(a) == others(b) == []
    assert write(a, "D1", room_id, "После").status == 403
    assert a.server.call("GET", path, a.server.service_token) == {"member": False}
    assert make_room(a, "D1", b.accounts["D1"]).status == 403
    assert join_room(a, "T1", waiting).status == 403
    assert ask(a, "D1", "GET", f"/profile/{quote(b.accounts['D1'])}").status == 404
    a.server.stop()
    a.server.start()
    district.web.status = 503
    until_standing(a, serial=15, refusal="unreachable")
    assert write(a, "D1", room_id, "Потом").status == 403
    district.publish(16, (1, 2))
    for school in district.schools:
        until_standing(school, serial=16, peers=1)
    until(lambda: write(a, "D1", room_id, "Снова").status == 200, what="the room")
    district.publish(17, (1,))
    until_standing(a, serial=16, refusal="key_chain")
    assert anchor(1) != anchor(2)
    assert standing(a)["standing"] == "open"


def send_question(school: School, body: Any, method: str = "POST", path: str = STATUS_PATH) -> Any:
    """What somebody without a token sends to where the operator asks."""
    return school.server.request(method, path, None, body)


def test_the_operator_asks_and_nobody_else(
    district: District, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`sferum district status` hears each school in its own signature, one that is cut off as well; whoever is not the
    operator of now, or sends on what the operator asked another school, gets Synapse's own answer for no such path.
    """
    a, b = district.schools
    folder = begin_folder(district, tmp_path / "operator", (1, 2), serial=17)
    assert main(["district", "sign", "--dir", str(folder.path)]) == 0
    district.web.body, district.web.status = folder.register.read_bytes(), 200
    for school in district.schools:
        until_standing(school, serial=18, refusal=None)
    capsys.readouterr()
    pages = str(tmp_path / "pages")
    main(["district", "status", "--dir", str(folder.path), "--pages", pages, "--json"])
    found = json.loads(capsys.readouterr().out)
    by_name = {school["server_name"]: school for school in found["schools"]}
    for school in district.schools:
        row = by_name[school.server.server_name]
        assert row["fault"] is None, row
        assert (row["status"]["serial"], row["status"]["standing"]) == (18, "open")
        assert row["status"]["key_ids"] == row["keys"]
        assert row["status"]["rooms"] > 0
        assert row["level"] != "error", row
    assert "Школа" in (tmp_path / "pages" / "index.html").read_text("utf-8")

    assert main(["district", "isolate", b.server.server_name, "--dir", str(folder.path)]) == 0
    assert main(["district", "sign", "--dir", str(folder.path)]) == 0
    district.web.body = folder.register.read_bytes()
    until_standing(b, serial=19, standing="isolated")
    capsys.readouterr()
    main(["district", "status", "--dir", str(folder.path), "--json"])
    found = json.loads(capsys.readouterr().out)
    cut = next(one for one in found["schools"] if one["server_name"] == b.server.server_name)
    assert cut["status"]["standing"] == "isolated"
    assert [finding["code"] for finding in cut["findings"] if finding["level"] != "ok"] == [
        "cut_off"
    ]

    draft, now_s = folder.read(), read_json(folder.register)["issued"]
    nobody = send_question(a, {}, path="/_synapse/client/sferum/district/nothing")
    assert (nobody.status, nobody.errcode) == (404, "M_UNRECOGNIZED")
    asked = question(draft, key(2), a.server.server_name, nonce="n" * 32, now_s=now_s)
    assert send_question(a, asked).status == 200
    refused = [
        send_question(a, {}),
        send_question(a, asked, method="PUT"),
        send_question(b, asked),
        send_question(a, {**asked, "nonce": "m" * 32}),
        send_question(
            a, question(draft, key(100), a.server.server_name, nonce="n" * 32, now_s=now_s)
        ),
        send_question(a, signed({**asked, "operator_keys": asked["operator_keys"][:1]}, (1,))),
        send_question(a, {**asked, "more": "x" * 20_000}),
    ]
    assert {(answer.status, answer.body) for answer in refused} == {(404, nobody.body)}
    old = question(draft, key(2), a.server.server_name, nonce="n" * 32, now_s=now_s - 10_000)
    late = send_question(a, old)
    assert (late.status, late.errcode) == (403, "M_FORBIDDEN")
    assert late.json["time"] >= now_s
