"""The keys that sign access tokens: numbered, since each is followed by another and then destroyed."""

import re

from cryptography.hazmat.primitives.asymmetric import ec
from pkcs11 import Attribute, ObjectClass

from dss.hsm.keypairs import SIGNING, STAYS, generate_pair, public_key_of
from dss.hsm.module import locked
from dss.hsm.sessions import Bench
from dss.hsm.token import TokenSpec
from dss.kernel.keyspec import KeySpec

FIRST = 1
FIRST_LABEL = "token-signing"
LABEL = re.compile(rf"{FIRST_LABEL}(?:-([1-9][0-9]{{0,8}}))?")


def token_label(number: int) -> str:
    """Return the label of a token key; number 1 was made when there was but one."""
    return FIRST_LABEL if number == FIRST else f"{FIRST_LABEL}-{number}"


def token_number(label: str) -> int | None:
    """Return the number of a token key, None for the label of another."""
    match = LABEL.fullmatch(label)
    return None if match is None else int(match[1] or FIRST)


def create_token_key(bench: Bench, spec: TokenSpec, number: int) -> None:
    """Make a token key; one that is there stays. Raises PKCS11Error."""
    label = token_label(number)
    with locked(spec.lock_file):
        if not bench.search({Attribute.LABEL: label}):
            generate_pair(
                bench.session, KeySpec.P256, store=True, label=label, capabilities=SIGNING, private_template=STAYS
            )


def destroy_token_key(bench: Bench, number: int) -> None:
    """Destroy both halves of a token key; one that is gone is as good as destroyed. Raises PKCS11Error."""
    for half in bench.search({Attribute.LABEL: token_label(number)}):
        half.destroy()


def token_keys(bench: Bench) -> dict[int, ec.EllipticCurvePublicKey]:
    """Return the public halves of the token keys by their numbers. Raises PKCS11Error."""
    found = {token_number(key.label): key for key in bench.search({Attribute.CLASS: ObjectClass.PUBLIC_KEY})}
    keys = {number: public_key_of(key) for number, key in found.items() if number is not None}
    return {number: key for number, key in keys.items() if isinstance(key, ec.EllipticCurvePublicKey)}
