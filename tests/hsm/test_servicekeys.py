"""The server's own keys, and the box keys that phones seal to."""

import hmac
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from pkcs11 import Attribute, AttributeSensitive, ObjectClass, PKCS11Error

from dss.hsm.module import module_at
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.hsm.setup import create_service_keys
from dss.hsm.token import Token
from dss.kernel.clock import SystemClock
from dss.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from dss.kernel.ids import BoxKeyId, Ids
from tests.world.softhsm import SoftHsm


@pytest.fixture
def box_id() -> BoxKeyId:
    return BoxKeyId(Ids(SystemClock()).new())


@pytest.mark.parametrize("name", [name for name in KeyName if name.signs])
async def test_a_signing_key_signs_es256(service_keys: ServiceKeys, name: KeyName):
    """RFC 7518 section 3.4: r || s, 64 bytes, over SHA-256."""
    signature = await service_keys.sign_es256(name, b"a token")

    assert len(signature) == 64
    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    (await service_keys.public_key(name)).verify(der, b"a token", ec.ECDSA(SHA256()))


@pytest.mark.parametrize("name", [name for name in KeyName if not name.signs])
async def test_an_hmac_is_the_same_each_time_and_differs_by_key_and_data(service_keys: ServiceKeys, name: KeyName):
    code = await service_keys.hmac(name, b"a proof")

    assert len(code) == 32
    assert code == await service_keys.hmac(name, b"a proof")
    others = [await service_keys.hmac(KeyName.PIN if name is KeyName.ENROLMENT else KeyName.ENROLMENT, b"a proof")]
    assert code not in [*others, await service_keys.hmac(name, b"another"), hmac.digest(b"", b"a proof", "sha256")]


async def test_both_sides_of_a_box_key_agree(service_keys: ServiceKeys, box_id: BoxKeyId):
    """SP 800-56A section 5.7.1.2: the x coordinate of the common point."""
    phone = ec.generate_private_key(ec.SECP256R1())
    box_key = await service_keys.create_box_key(box_id)

    assert await service_keys.agree(box_id, phone.public_key()) == phone.exchange(ec.ECDH(), box_key)


async def test_a_destroyed_box_key_is_not_found_and_disturbs_nobody(
    service_keys: ServiceKeys, box_id: BoxKeyId, softhsm: SoftHsm
):
    phone = ec.generate_private_key(ec.SECP256R1())
    await service_keys.create_box_key(box_id)
    await service_keys.agree(box_id, phone.public_key())
    generation = module_at(softhsm.module).generation

    await service_keys.destroy_box_key(box_id)

    with pytest.raises(NotFound):
        await service_keys.agree(box_id, phone.public_key())
    assert box_id not in await service_keys.box_key_ids()
    assert module_at(softhsm.module).generation == generation


async def test_a_box_key_destroyed_twice_is_destroyed(service_keys: ServiceKeys, box_id: BoxKeyId):
    await service_keys.create_box_key(box_id)

    await service_keys.destroy_box_key(box_id)
    await service_keys.destroy_box_key(box_id)

    assert box_id not in await service_keys.box_key_ids()


async def test_box_keys_are_listed(service_keys: ServiceKeys, box_id: BoxKeyId):
    await service_keys.create_box_key(box_id)

    assert box_id in await service_keys.box_key_ids()
    assert not set(KeyName) & set(await service_keys.box_key_ids())


async def test_a_second_box_key_of_the_same_id_is_a_conflict(service_keys: ServiceKeys, box_id: BoxKeyId):
    await service_keys.create_box_key(box_id)

    with pytest.raises(Conflict):
        await service_keys.create_box_key(box_id)


async def test_a_peer_on_another_curve_is_invalid(service_keys: ServiceKeys, box_id: BoxKeyId):
    await service_keys.create_box_key(box_id)

    with pytest.raises(Invalid):
        await service_keys.agree(box_id, ec.generate_private_key(ec.SECP384R1()).public_key())


@dataclass(frozen=True)
class Kept:
    label: str
    kind: ObjectClass
    value: Attribute
    uses: frozenset[Attribute]


USES = {Attribute.SIGN, Attribute.DECRYPT, Attribute.DERIVE, Attribute.UNWRAP}


async def test_no_key_can_be_read_or_used_for_anything_else(
    service_keys: ServiceKeys, service_token: Token, box_id: BoxKeyId
):
    await service_keys.create_box_key(box_id)
    signs, derives = frozenset({Attribute.SIGN}), frozenset({Attribute.DERIVE})
    expected = [Kept(f"box-{box_id}", ObjectClass.PRIVATE_KEY, Attribute.VALUE, derives)]
    for name in KeyName:
        kind = ObjectClass.PRIVATE_KEY if name.signs else ObjectClass.SECRET_KEY
        expected.append(Kept(name, kind, Attribute.VALUE, signs))

    for key in expected:
        found = service_token.do(lambda bench, key=key: bench.key(key.label, key.kind), lambda bench: None)
        with pytest.raises(AttributeSensitive):
            found[key.value]
        for attribute in (Attribute.EXTRACTABLE, Attribute.DERIVE, Attribute.SIGN):
            with pytest.raises(PKCS11Error):
                found[attribute] = True
        assert not found[Attribute.EXTRACTABLE]
        assert {use for use in USES if found[use]} == key.uses


async def test_making_the_keys_again_changes_nothing(service_keys: ServiceKeys, service_token: Token):
    before = await service_keys.hmac(KeyName.PIN, b""), await service_keys.public_key(KeyName.DEVICE_CHANNEL)

    create_service_keys(service_token)

    assert before == (await service_keys.hmac(KeyName.PIN, b""), await service_keys.public_key(KeyName.DEVICE_CHANNEL))


async def test_check_passes(service_keys: ServiceKeys):
    await service_keys.check()


async def test_keys_without_their_token_refuse_every_use():
    absent = ServiceKeys(None)

    for use in (absent.check(), absent.hmac(KeyName.PIN, b""), absent.public_key(KeyName.DEVICE_CHANNEL)):
        with pytest.raises(Unavailable):
            await use
