"""What the operator sets for all: the least verification, and the ceiling of sessions, itself below one (T36)."""

from pathlib import Path

import pytest

from dss.kernel.errors import Invalid
from dss.kernel.policy import Bounds
from dss.settings import Settings


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSS_HOME", str(tmp_path))


def test_nothing_set_asks_for_nothing_and_allows_a_hundred_signatures_within_an_hour() -> None:
    read = Settings.load(pins=())
    assert (read.verification, read.session_ceiling) == ({}, Bounds(signatures=100, minutes=60))


def test_verification_is_set_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSS_VERIFICATION", "sign=compare  session=choose create=none")
    assert Settings.load(pins=()).verification == {"sign": "compare", "session": "choose"}


def test_t36_the_ceiling_is_set_up_to_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSS_SESSION_SIGNATURES", "10000")
    monkeypatch.setenv("DSS_SESSION_MINUTES", "480")
    assert Settings.load(pins=()).session_ceiling == Bounds(signatures=10_000, minutes=480)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DSS_SESSION_SIGNATURES", "10001"),
        ("DSS_SESSION_SIGNATURES", "0"),
        ("DSS_SESSION_MINUTES", "481"),
        ("DSS_SESSION_MINUTES", "0"),
        ("DSS_VERIFICATION", "sign"),
        ("DSS_VERIFICATION", "sign=always"),
        ("DSS_VERIFICATION", "change=choose"),
        ("DSS_VERIFICATION", "sign=choose sign=none"),
    ],
)
def test_other_values_are_refused_by_name(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Invalid, match=variable):
        Settings.load(pins=())
