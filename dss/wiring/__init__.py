"""The only place where parts meet."""

from dss.wiring.capabilities import ISSUING_CA, ROOT_CA
from dss.wiring.records import witnesses_of
from dss.wiring.services import Services, build, opened
from dss.wiring.tokens import HsmKeys, open_tokens, require_pins, tokens_of

__all__ = [
    "ISSUING_CA",
    "ROOT_CA",
    "HsmKeys",
    "Services",
    "build",
    "open_tokens",
    "opened",
    "require_pins",
    "tokens_of",
    "witnesses_of",
]
