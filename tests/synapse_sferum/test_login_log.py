"""What people type into "user name" does not get into the log."""

from __future__ import annotations

import importlib
import inspect
import logging

import pytest
from synapse.http import site
from synapse.http.site import SynapseRequest

from synapse_sferum.login_log import HIDDEN, HideTyped, hide_typed_names, redact_uri


@pytest.mark.parametrize(("name", "beginnings"), HIDDEN.items())
def test_the_messages_are_synapses(name: str, beginnings: tuple[str, ...]) -> None:
    """Each message that is hidden is in Synapse's source, in the module whose logger gets the filter."""
    source = inspect.getsource(importlib.import_module(name))
    assert "logger = logging.getLogger(__name__)" in source
    for beginning in beginnings:
        assert f'"{beginning}' in source, beginning


def test_arguments_are_dropped() -> None:
    """The line stays, so that an operator sees that somebody tried; what was typed is gone."""
    (beginning,) = HIDDEN["synapse.rest.client.login"]
    record = logging.LogRecord("x", logging.INFO, "", 0, f"{beginning}: %r", ("secret name",), None)
    assert HideTyped((beginning,)).filter(record)
    assert record.getMessage() == f"{beginning} (not logged)"


def test_other_messages_are_left_alone() -> None:
    """Only the messages of the list change."""
    record = logging.LogRecord("x", logging.INFO, "", 0, "Blocking login of %s", ("a",), None)
    assert HideTyped(("Got login request",)).filter(record)
    assert record.getMessage() == "Blocking login of a"


def test_filters_are_put_on_once() -> None:
    """Several modules, or a second start in one process, do not pile filters up."""
    hide_typed_names()
    hide_typed_names()
    for name in HIDDEN:
        found = [f for f in logging.getLogger(name).filters if isinstance(f, HideTyped)]
        assert len(found) == 1


def test_a_looked_up_contact_is_not_in_the_path_of_the_log() -> None:
    """The bridge asks Synapse who has a phone; the path with it is logged by way of one function, which is ours."""
    hide_typed_names()
    assert vars(site)["redact_uri"] is redact_uri
    assert "return redact_uri(uri)" in inspect.getsource(SynapseRequest.get_redacted_uri)
    path = "/_synapse/admin/v1/threepid/email/users/anna%40school.test"
    assert redact_uri(path) == "/_synapse/admin/v1/threepid/email/users/<redacted>"
    assert redact_uri("/a?access_token=x&b=c") == "/a?access_token=<redacted>&b=c"


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/orgs/school-86/people/pabcdefghijkl/family", None),
        ("/accounts/%40uabcd2345%3Aschool.test", None),
        ("/orgs/s1/jobs/job_1/retry", None),
        ("/orgs/s1/people?q=%D0%98%D0%B2%D0%B0%D0%BD%D0%BE%D0%B2", "/orgs/s1/people?<redacted>"),
        ("/orgs/s1/people/anna%40school.test", "/orgs/s1/people/<redacted>"),
        ("/orgs/s1/people/79161234567", "/orgs/s1/people/<redacted>"),
        ("/orgs/s1/people/%2B79161234567", "/orgs/s1/people/<redacted>"),
        ("/orgs/s1/people/s15UzgvblNNFIp3LFDsUmA", "/orgs/s1/people/<redacted>"),
        ("/orgs/s1/classes/5%D0%90", "/orgs/s1/classes/<redacted>"),
    ],
)
def test_what_is_asked_of_the_directory_is_not_logged(path: str, logged: str | None) -> None:
    """Ids are; words that somebody searched for, or typed where an id belongs, are not."""
    prefix = "/_synapse/client/sferum/v1"
    assert redact_uri(prefix + path) == prefix + (path if logged is None else logged)
