"""The server's own keys, and the box keys that phones seal to."""

import hmac
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from pkcs11 import Attribute, AttributeSensitive, ObjectClass, PKCS11Error

from dss.hsm import module as module_module
from dss.hsm.module import module_at
from dss.hsm.servicekeys import KeyKind, KeyName, ServiceKeys, create_key
from dss.hsm.setup import create_service_keys
from dss.hsm.token import Token
from dss.kernel.clock import SystemClock
from dss.kernel.errors import Conflict, HsmUnavailable, Invalid, NotFound, Unavailable
from dss.kernel.ids import BoxKeyId, Ids
from tests.world.softhsm import SoftHsm


def of_kind(kind: KeyKind) -> list[KeyName]:
    return [name for name in KeyName if name.kind is kind]


@pytest.fixture
def box_id() -> BoxKeyId:
    return BoxKeyId(Ids(SystemClock()).new())


@pytest.mark.parametrize("name", of_kind(KeyKind.P256))
async def test_a_signing_key_signs_es256(service_keys: ServiceKeys, name: KeyName):
    """RFC 7518 section 3.4: r || s, 64 bytes, over SHA-256."""
    signature = await service_keys.sign_es256(name, b"a token")

    assert len(signature) == 64
    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    (await service_keys.public_key(name)).verify(der, b"a token", ec.ECDSA(SHA256()))


@pytest.mark.parametrize("name", of_kind(KeyKind.SECRET))
async def test_an_hmac_is_the_same_each_time_and_differs_by_key_and_data(service_keys: ServiceKeys, name: KeyName):
    code = await service_keys.hmac(name, b"a proof")

    assert len(code) == 32
    assert code == await service_keys.hmac(name, b"a proof")
    others = [await service_keys.hmac(KeyName.PIN if name is KeyName.ENROLMENT else KeyName.ENROLMENT, b"a proof")]
    assert code not in [*others, await service_keys.hmac(name, b"another"), hmac.digest(b"", b"a proof", "sha256")]


@pytest.mark.parametrize("data", [b"", b"a checkpoint", bytes(10_000)], ids=["nothing", "a text", "much"])
async def test_the_key_of_the_log_signs_ed25519(service_keys: ServiceKeys, data: bytes):
    """RFC 8032 section 5.1: over the data themselves, and the same each time."""
    signature = await service_keys.sign_ed25519(KeyName.LOG, data)

    key = ed25519.Ed25519PublicKey.from_public_bytes(await service_keys.ed25519_public_key(KeyName.LOG))
    key.verify(signature, data)
    assert len(signature) == 64
    assert signature == await service_keys.sign_ed25519(KeyName.LOG, data)


async def test_the_lasting_keys_are_the_same_after_a_restart_of_the_library(
    service_keys: ServiceKeys, softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module_module, "PAUSE_S", 0)
    module = module_at(softhsm.module)
    log, seal = await service_keys.ed25519_public_key(KeyName.LOG), await service_keys.public_key(KeyName.EVIDENCE_SEAL)

    module.renew(module.generation, softhsm.service.lock_file)
    restarted = ServiceKeys(token := Token(softhsm.service))

    assert await restarted.ed25519_public_key(KeyName.LOG) == log
    assert await restarted.public_key(KeyName.EVIDENCE_SEAL) == seal
    signature = await restarted.sign_ed25519(KeyName.LOG, b"a checkpoint")
    ed25519.Ed25519PublicKey.from_public_bytes(log).verify(signature, b"a checkpoint")
    token.close()


async def test_a_key_that_this_version_is_the_first_to_need_is_asked_for_by_its_command(softhsm: SoftHsm):
    token = Token(softhsm.new_token("upgraded"))
    known = set(KeyName) - {KeyName.LOG}
    token.do(lambda bench: [create_key(bench.session, name) for name in known], lambda bench: None)
    keys = ServiceKeys(token)
    before = await keys.public_key(KeyName.EVIDENCE_SEAL)

    for use in (keys.sign_ed25519(KeyName.LOG, b""), keys.ed25519_public_key(KeyName.LOG), keys.check()):
        with pytest.raises(HsmUnavailable, match="run `dss hsm service-keys`"):
            await use

    create_service_keys(token)
    await keys.check()
    assert len(await keys.sign_ed25519(KeyName.LOG, b"")) == 64
    assert await keys.public_key(KeyName.EVIDENCE_SEAL) == before
    token.close()


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
        kind = ObjectClass.SECRET_KEY if name.kind is KeyKind.SECRET else ObjectClass.PRIVATE_KEY
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
