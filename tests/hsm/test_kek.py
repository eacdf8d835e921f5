"""T18: whoever has the PIN and the blobs, and calls PKCS#11 as he likes, still gets no key out."""

from collections.abc import Callable
from typing import Any

import pytest
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, PKCS11Error
from pkcs11.constants import DEFAULT

from dss.hsm.sessions import Bench
from dss.hsm.token import Token
from dss.hsm.userkeys import NOT_OF_PRIVATE_KEYS, UNWRAPPED, UserKeys
from dss.kernel.keyspec import KeySpec

KINDS = {KeySpec.RSA_2048: KeyType.RSA, KeySpec.P256: KeyType.EC}
DEVIATIONS: list[dict[Attribute, Any]] = [
    {Attribute.EXTRACTABLE: True},
    {Attribute.EXTRACTABLE: DEFAULT},
    {Attribute.SENSITIVE: False},
    {Attribute.SENSITIVE: DEFAULT},
    {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True},
    {Attribute.PRIVATE: False},
    {Attribute.TOKEN: True},
    {Attribute.DECRYPT: True},
    {Attribute.DERIVE: True},
    {Attribute.UNWRAP: True},
    {Attribute.SIGN: False},
]


def told(deviation: dict[Attribute, Any]) -> str:
    return " ".join(f"{name.name}={'left out' if value is DEFAULT else value}" for name, value in deviation.items())


def attempt(token: Token, attack: Callable[[Bench], object]) -> str:
    """Return the name of the error that the HSM answered with, or what the attack gained."""

    def work(bench: Bench) -> str:
        try:
            return f"gained {attack(bench)!r}"
        except PKCS11Error as refusal:
            return type(refusal).__name__

    return token.do(work, lambda bench: None)


def unwrap(bench: Bench, blob: bytes, spec: KeySpec, deviation: dict[Attribute, Any] | None = None) -> Any:
    return kek(bench).unwrap_key(
        ObjectClass.PRIVATE_KEY,
        KINDS[spec],
        blob,
        mechanism=Mechanism.AES_KEY_WRAP_PAD,
        capabilities=MechanismFlag.SIGN,
        template=UNWRAPPED | NOT_OF_PRIVATE_KEYS | (deviation or {}),
    )


def kek(bench: Bench) -> Any:
    return bench.search_one("kek-1", ObjectClass.SECRET_KEY)


@pytest.mark.parametrize("spec", KINDS)
@pytest.mark.parametrize("deviation", DEVIATIONS, ids=told)
async def test_a_key_unwraps_as_nothing_but_a_key_that_only_signs(
    user_keys: UserKeys, user_token: Token, spec: KeySpec, deviation: dict[Attribute, Any]
):
    blob = (await user_keys.generate(spec)).key.wrapped

    assert attempt(user_token, lambda bench: unwrap(bench, blob, spec, deviation)) == "TemplateInconsistent"


@pytest.mark.parametrize("spec", KINDS)
@pytest.mark.parametrize(
    "template", [UNWRAPPED | NOT_OF_PRIVATE_KEYS, {Attribute.SENSITIVE: False}], ids=["ours", "readable"]
)
async def test_a_key_does_not_unwrap_as_a_secret(
    user_keys: UserKeys, user_token: Token, spec: KeySpec, template: dict[Attribute, Any]
):
    blob = (await user_keys.generate(spec)).key.wrapped

    def as_secret(bench: Bench) -> Any:
        template_ = template | {Attribute.CLASS: ObjectClass.SECRET_KEY}
        return kek(bench).unwrap_key(
            ObjectClass.SECRET_KEY,
            KeyType.GENERIC_SECRET,
            blob,
            mechanism=Mechanism.AES_KEY_WRAP_PAD,
            capabilities=MechanismFlag.SIGN,
            template=template_,
        )

    assert attempt(user_token, as_secret) == "TemplateInconsistent"


@pytest.mark.parametrize(
    ("spec", "secret"), [(KeySpec.RSA_2048, Attribute.PRIVATE_EXPONENT), (KeySpec.P256, Attribute.VALUE)]
)
async def test_an_unwrapped_key_cannot_be_read_wrapped_again_or_loosened(
    user_keys: UserKeys, user_token: Token, spec: KeySpec, secret: Attribute
):
    blob = (await user_keys.generate(spec)).key.wrapped

    def loosen(bench: Bench) -> None:
        unwrap(bench, blob, spec)[Attribute.EXTRACTABLE] = True

    def wrap_again(bench: Bench) -> Any:
        return kek(bench).wrap_key(unwrap(bench, blob, spec), mechanism=Mechanism.AES_KEY_WRAP_PAD)

    def wrap_by_own_key(bench: Bench) -> Any:
        own = bench.session.generate_key(KeyType.AES, 256, template={Attribute.SENSITIVE: False})
        return own.wrap_key(unwrap(bench, blob, spec), mechanism=Mechanism.AES_KEY_WRAP_PAD)

    assert attempt(user_token, lambda bench: unwrap(bench, blob, spec)[secret]) == "AttributeSensitive"
    assert attempt(user_token, loosen) == "AttributeReadOnly"
    assert attempt(user_token, wrap_again) == "KeyUnextractable"
    assert attempt(user_token, wrap_by_own_key) == "KeyUnextractable"
    looser = {Attribute.EXTRACTABLE: True}
    assert attempt(user_token, lambda bench: unwrap(bench, blob, spec).copy(looser)) == "AttributeReadOnly"


@pytest.mark.parametrize(
    "mechanism", [Mechanism.AES_KEY_WRAP, Mechanism.AES_CBC, Mechanism.AES_CBC_PAD, Mechanism.AES_ECB]
)
async def test_the_kek_works_with_no_mechanism_but_its_own(
    user_keys: UserKeys, user_token: Token, mechanism: Mechanism
):
    blob = (await user_keys.generate(KeySpec.P256)).key.wrapped

    def by(bench: Bench) -> Any:
        return kek(bench).unwrap_key(
            ObjectClass.PRIVATE_KEY,
            KeyType.EC,
            blob,
            mechanism=mechanism,
            mechanism_param=bytes(16) if mechanism in {Mechanism.AES_CBC, Mechanism.AES_CBC_PAD} else None,
            capabilities=MechanismFlag.SIGN,
            template=UNWRAPPED | NOT_OF_PRIVATE_KEYS,
        )

    assert attempt(user_token, by) == "MechanismInvalid"


def test_the_kek_cannot_be_read_copied_or_changed(user_token: Token):
    def change(attribute: Attribute, value: object) -> Callable[[Bench], None]:
        return lambda bench: kek(bench).__setitem__(attribute, value)

    assert attempt(user_token, lambda bench: kek(bench)[Attribute.VALUE]) == "AttributeSensitive"
    for attribute in (Attribute.EXTRACTABLE, Attribute.DECRYPT, Attribute.ENCRYPT, Attribute.MODIFIABLE):
        assert "gained" not in attempt(user_token, change(attribute, True))
        assert "gained" not in attempt(user_token, lambda bench, it=attribute: kek(bench).copy({it: True}))
    assert "gained" not in attempt(user_token, change(Attribute.LABEL, "kek-2"))


def test_the_kek_neither_encrypts_nor_decrypts(user_token: Token):
    uses = (Attribute.ENCRYPT, Attribute.DECRYPT, Attribute.SIGN, Attribute.VERIFY, Attribute.DERIVE)

    allowed = user_token.do(lambda bench: [kek(bench)[use] for use in uses], lambda bench: None)

    assert not any(allowed)
