"""The operator's commands that stop a relying application, and let it work again."""

from collections.abc import Callable

import pytest

from tests.protocol.cli_world import Command, dss
from tests.protocol.test_cli_clients import as_another, refusal, registered, run, tell
from tests.protocol.test_cli_operators import SECOND

__all__ = ["as_another", "dss"]


def test_an_application_is_suspended_and_resumed(dss: Command):
    id = registered(dss, "--secret")
    assert tell(dss, "suspend", id)["suspended"] == "yes"
    assert tell(dss, "suspend", id)["suspended"] == "yes"
    assert tell(dss, "change", id, "--par")["suspended"] == "yes"
    assert tell(dss, "resume", id)["suspended"] == "no"
    assert tell(dss, "resume", id)["suspended"] == "no"
    told = dss("audit", "show", "--subject", f"client:{id}", "--json").stdout
    assert (told.count("client.suspended"), told.count("client.resumed")) == (1, 1)
    for verb in ("suspend", "resume"):
        assert "There is no such thing" in refusal(dss, verb, "0" * 26)


def test_t29_one_operator_suspends_an_application_and_two_resume_it(
    dss: Command, as_another: Callable[[], None], monkeypatch: pytest.MonkeyPatch
):
    id = registered(dss, "--secret")
    monkeypatch.setenv("DSS_TWO_OPERATORS", "true")
    assert tell(dss, "resume", id)["suspended"] == "no"  # there is nothing to undo
    assert tell(dss, "suspend", id)["suspended"] == "yes"
    assert SECOND in run(dss, "resume", id).stdout
    assert tell(dss, "show", id)["suspended"] == "yes"
    as_another()
    assert tell(dss, "resume", id)["suspended"] == "no"
