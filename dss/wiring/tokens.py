"""The tokens of the HSM that a process opens, and the keys on them."""

import os
from collections.abc import Collection
from dataclasses import dataclass

from dss.hsm.cakeys import CaKeys
from dss.hsm.servicekeys import ServiceKeys
from dss.hsm.token import Token, TokenSpec
from dss.hsm.userkeys import UserKeys
from dss.kernel.errors import Unavailable
from dss.settings import Settings, TokenName


@dataclass(frozen=True)
class HsmKeys:
    """The HSM's keys that this process may use; service refuses every use where its token is not opened."""

    user: UserKeys | None
    ca: CaKeys | None
    service: ServiceKeys
    opened: tuple[Token, ...]

    def close(self) -> None:
        """Let go of the tokens."""
        for token in self.opened:
            token.close()


def open_tokens(settings: Settings, needs: Collection[TokenName] | None = None) -> HsmKeys:
    """Take up the keys of some tokens, by default those of the role. Raises Unavailable where a PIN is missing."""
    tokens = tokens_of(settings, settings.role.tokens if needs is None else needs)
    user, ca = tokens.get(TokenName.USER), tokens.get(TokenName.CA)
    return HsmKeys(
        UserKeys(user) if user else None,
        CaKeys(ca) if ca else None,
        ServiceKeys(tokens.get(TokenName.SERVICE)),
        tuple(tokens.values()),
    )


def tokens_of(settings: Settings, needs: Collection[TokenName]) -> dict[TokenName, Token]:
    """Return the tokens of these names; each is opened at its first use. Raises Unavailable where a PIN is missing."""
    require_pins(settings, needs)
    if settings.softhsm_conf:
        os.environ["SOFTHSM2_CONF"] = str(settings.softhsm_conf)
    return {
        name: Token(
            TokenSpec(settings.hsm_module, token.label, str(token.pin), settings.hsm_lock_file, settings.hsm_threads)
        )
        for name, token in settings.tokens.named().items()
        if name in needs
    }


def require_pins(settings: Settings, needs: Collection[TokenName]) -> None:
    """Raise Unavailable, naming the variables, unless the PINs of these tokens are set."""
    missing = [name for name, token in settings.tokens.named().items() if name in needs and token.pin is None]
    if missing:
        raise Unavailable(f"PINs that are needed here and not set: {', '.join(name.pin_variable for name in missing)}")
