"""Logs are one JSON object a line, and tell no secret (T53)."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from dss.infra import logs


class Stream(io.StringIO):
    """What was logged."""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def stream() -> Iterator[Stream]:
    root = logging.getLogger()
    handlers, level, root.handlers = root.handlers, root.level, []
    taken = Stream()
    logs.configure("info", taken)
    yield taken
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers = handlers
    root.setLevel(level)


def test_an_event_is_one_json_object_with_its_time_level_and_place(stream: Stream) -> None:
    structlog.contextvars.bind_contextvars(request="R1")
    structlog.get_logger("dss.test").info("letter sent", letter="L1", to="Олена")
    (line,) = stream.lines()
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "letter sent",
        "level": "info",
        "logger": "dss.test",
        "letter": "L1",
        "to": "Олена",
        "request": "R1",
    }


def test_the_libraries_events_look_the_same(stream: Stream) -> None:
    logging.getLogger("uvicorn.error").warning("took %d ms", 12)
    (line,) = stream.lines()
    assert (line["event"], line["level"], line["logger"]) == ("took 12 ms", "warning", "uvicorn.error")


def test_levels_below_the_chosen_one_are_dropped(stream: Stream) -> None:
    structlog.get_logger("dss").debug("detail")
    logging.getLogger("alembic").debug("detail")
    assert stream.lines() == []


SECRETS = [
    *("pin", "PIN", "pin_proof", "password", "client_secret", "activation_code"),
    *("access_token", "k_act", "k_act_next", "authorization", "DPoP", "Set-Cookie"),
]


@pytest.mark.parametrize("name", SECRETS)
def test_members_named_like_a_secret_are_hidden_at_any_depth(stream: Stream, name: str) -> None:
    structlog.get_logger("dss").info("event", **{name: "canary"}, request={"headers": [{name: ["canary"]}]})
    assert "canary" not in stream.getvalue()
    assert stream.lines()[0][name] == logs.HIDDEN


def test_raw_bytes_are_hidden_whatever_their_name(stream: Stream) -> None:
    structlog.get_logger("dss").info("event", value=b"canary", values=[b"canary"], by_name={"a": b"canary"})
    assert "canary" not in stream.getvalue()


def test_what_is_named_like_a_secret_and_is_none_is_shown(stream: Stream) -> None:
    structlog.get_logger("dss").info("event", code=503, shipping="here")
    assert (stream.lines()[0]["code"], stream.lines()[0]["shipping"]) == (503, "here")


def test_a_traceback_tells_no_local_variable(stream: Stream) -> None:
    def fail() -> None:
        pin = "canary"
        raise LookupError(len(pin))

    try:
        fail()
    except LookupError:
        structlog.get_logger("dss").exception("failed")
        logging.getLogger("library").exception("failed")
    ours, theirs = stream.lines()
    assert ours["exception"][0]["exc_type"] == theirs["exception"][0]["exc_type"] == "LookupError"
    assert "canary" not in stream.getvalue()
