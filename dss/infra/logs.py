"""Logs: one JSON object a line, of our own events and of the libraries' alike, without secrets."""

import logging
import re
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# A member whose name holds one of these as a whole word is hidden.
SECRET = re.compile(
    r"(?:^|[_-])(?:pin|password|secret|token|proof|k_act|activation_code|authorization|dpop|cookie)(?:$|[_-])",
    re.IGNORECASE,
)
HIDDEN = "[hidden]"


def configure(level: str, stream: TextIO) -> None:
    """Send every log of the process to a stream.

    level: debug, info, warning or error; lower ones are dropped. Tracebacks are written without local variables.
    """
    render = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_about_every_event(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            hide_secrets,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(render)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # One tells every letter of what is printed, the other every value of every statement.
    for talkative in ("fontTools", "aiosqlite"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_about_every_event(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace the values of members that are named like a secret, and all raw bytes."""
    return {name: _safe(name, value) for name, value in event.items()}


def _safe(name: str, value: object) -> object:
    if isinstance(value, bytes) or SECRET.search(name):
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): _safe(str(key), member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(name, member) for member in value]
    return value


def _about_every_event() -> list[Processor]:
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.ExceptionRenderer(tracebacks),
    ]
