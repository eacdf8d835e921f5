"""docs/evidence.md section 2, step 16: the certificates lead to the given root."""

import os
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dss.evidence.fields import EvidenceRefused
from dss.evidence.verifying import verify
from dss.kernel.keyspec import KeySpec
from tests.world import evidence_chain
from tests.world.clock import START
from tests.world.evidence_chain import ISSUING, ROOT, SIGNER, Plan, chain
from tests.world.evidence_maker import Maker

SOAK = bool(os.environ.get("DSS_SOAK"))
SECOND = timedelta(seconds=1)
AT = START + 62 * SECOND + timedelta(microseconds=345678)  # the end of the transactions of `Maker`
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.9"), b"\x05\x00")
NAMES = x509.NameConstraints([x509.DNSName("example.org")], None)
POLICY = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.3.6.1.4.1.32473.1.1"), None)])
LIMITED = {number: x509.BasicConstraints(True, number) for number in range(3)}
MIDDLE = Plan("Middle CA")


def proven(*plans: Plan, root: bytes | None = None):
    """A signing under a chain of certificates, the signer's first."""
    maker = Maker()
    maker.chain = chain(*plans)
    record = maker.finish(maker.sign("hash"))
    trust = maker.trust() if root is None else replace(maker.trust(), root=root)
    return verify(record.encoded(), trust)


@pytest.mark.parametrize(
    "plans",
    [
        (SIGNER, ROOT),
        (SIGNER, ISSUING, ROOT),
        (SIGNER, ISSUING, MIDDLE, ROOT),
        (SIGNER, ISSUING, replace(MIDDLE, constraints=LIMITED[1]), replace(ROOT, constraints=LIMITED[2])),
        (SIGNER, replace(ISSUING, not_before=AT.replace(microsecond=0)), ROOT),
        (SIGNER, replace(ISSUING, not_after=AT.replace(microsecond=0) + SECOND), ROOT),
        (replace(SIGNER, usage=None), ISSUING, ROOT),
        (replace(SIGNER, more=((UNKNOWN, False), (POLICY, False))), ISSUING, ROOT),
        (SIGNER, replace(ISSUING, spec=KeySpec.P384), replace(ROOT, spec=KeySpec.RSA_2048)),
    ],
)
def test_a_right_chain_is_taken(plans):
    assert proven(*plans).certificate.issuer == f"CN={plans[1].name},C=UA"


@pytest.mark.parametrize(
    ("plans", "why"),
    [
        ((SIGNER,), "there is no chain"),
        ((SIGNER, replace(ISSUING, constraints=None), ROOT), "certificate 1 is not a CA's"),
        (
            (SIGNER, replace(ISSUING, constraints=x509.BasicConstraints(False, None)), ROOT),
            "certificate 1 is not a CA's",
        ),
        ((SIGNER, ISSUING, replace(ROOT, constraints=None)), "certificate 2 is not a CA's"),
        ((SIGNER, replace(ISSUING, usage=None), ROOT), "certificate 1 may not sign"),
        ((SIGNER, replace(ISSUING, usage=frozenset({"crl_sign"})), ROOT), "certificate 1 may not sign"),
        ((SIGNER, ISSUING, replace(ROOT, usage=frozenset({"crl_sign"}))), "certificate 2 may not sign"),
        ((SIGNER, ISSUING, replace(ROOT, constraints=LIMITED[0])), "certificate 2 has more CAs below it"),
        ((SIGNER, MIDDLE, ISSUING, ROOT), "certificate 2 has more CAs below it"),
        ((SIGNER, ISSUING, MIDDLE, replace(ROOT, constraints=LIMITED[1])), "certificate 3 has more CAs below it"),
        ((replace(SIGNER, not_before=AT + SECOND), ISSUING, ROOT), "certificate 0 was not valid"),
        ((replace(SIGNER, not_after=AT - SECOND), ISSUING, ROOT), "certificate 0 was not valid"),
        ((SIGNER, replace(ISSUING, not_after=AT - SECOND), ROOT), "certificate 1 was not valid"),
        ((SIGNER, ISSUING, replace(ROOT, not_before=AT + SECOND)), "certificate 2 was not valid"),
        ((replace(SIGNER, more=((UNKNOWN, True),)), ISSUING, ROOT), "certificate 0 has a critical extension"),
        ((SIGNER, replace(ISSUING, more=((UNKNOWN, True),)), ROOT), "certificate 1 has a critical extension"),
        ((SIGNER, replace(ISSUING, more=((NAMES, True),)), ROOT), "certificate 1 has nameConstraints"),
        ((SIGNER, replace(ISSUING, more=((NAMES, False),)), ROOT), "certificate 1 has nameConstraints"),
        ((SIGNER, ISSUING, replace(ROOT, more=((NAMES, False),))), "certificate 2 has nameConstraints"),
        ((replace(SIGNER, more=((NAMES, False),)), ISSUING, ROOT), "certificate 0 has nameConstraints"),
        ((SIGNER, ISSUING, replace(ROOT, more=((POLICY, True),))), "certificate 2 has a critical extension"),
    ],
)
def test_a_wrong_chain_is_refused(plans, why):
    with pytest.raises(EvidenceRefused, match=why):
        proven(*plans)


def test_another_root_is_refused_even_of_the_same_name_and_key():
    other = chain(SIGNER, ISSUING, replace(ROOT, not_after=ROOT.not_after + SECOND)).certificates[-1]

    with pytest.raises(EvidenceRefused, match="the last certificate is not the given root"):
        proven(SIGNER, ISSUING, ROOT, root=other)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one, two, root: (one, root),
        lambda one, two, root: (one, two, two, root),
        lambda one, two, root: (one, one, two, root),
        lambda one, two, root: (one, chain(ISSUING, replace(ROOT, name="Other")).certificates[0], root),
        lambda one, two, root: (one, chain(ISSUING, replace(ROOT, spec=KeySpec.P384)).certificates[0], root),
        lambda one, two, root: (one, b"\x30\x00", root),
        lambda one, two, root: (one, two + b"\0", root),
        lambda one, two, root: (one, b"", root),
    ],
)
def test_a_chain_that_is_not_a_chain_is_refused(spoil):
    maker = Maker()
    maker.chain = chain(SIGNER, ISSUING, replace(ROOT, constraints=LIMITED[2]))
    draft = maker.sign("hash")
    core = replace(maker.core(draft), certificates=spoil(*maker.chain.certificates))

    with pytest.raises(EvidenceRefused, match=r"certificate \d (is not|cannot|has more)"):
        verify(maker.finish(draft, core).encoded(), maker.trust())


def test_a_signature_of_an_issuer_is_verified():
    """One bit of the certificate's own signature: the request names just this certificate."""
    maker = Maker()
    first, *others = maker.chain.certificates
    maker.chain = replace(maker.chain, certificates=(first[:-1] + bytes([first[-1] ^ 1]), *others))

    with pytest.raises(EvidenceRefused, match="certificate 0 is not signed by the next"):
        verify(maker.finish(maker.sign("hash")).encoded(), maker.trust())


@pytest.mark.parametrize("which", [0, 1])
def test_a_certificate_with_any_byte_changed_is_refused(which):
    """Though the request and the log tell of just this certificate, and whatever the library makes of its bytes.

    But the count of unused bits of the signature, which the library lets pass where those bits are zero.
    """
    chance, maker = random.Random(which), Maker()
    good = maker.chain
    der = good.certificates[which]
    unused = len(der) - len(x509.load_der_x509_certificate(der).signature) - 1
    for place in range(len(der)) if SOAK else chance.sample(range(len(der)), 60):
        if place == unused:
            continue
        spoilt = der[:place] + bytes([der[place] ^ 1 << chance.randrange(8)]) + der[place + 1 :]
        certificates = (*good.certificates[:which], spoilt, *good.certificates[which + 1 :])
        maker.chain = replace(good, certificates=certificates)
        draft = maker.sign("hash")
        draft.extra = 0
        with pytest.raises(EvidenceRefused, match=r"^certificate \d "):
            verify(maker.finish(draft).encoded(), maker.trust())


@pytest.mark.parametrize(
    ("member", "value", "why"),
    [
        ("subject", "CN=Петро Інший,C=UA", "for another subject"),
        ("subject", "C=UA,CN=Олена Коваль", "for another subject"),
        ("key_type", "P-384", "not of the kind P-384"),
        ("key_type", "RSA-2048", "not of the kind RSA-2048"),
    ],
)
def test_the_certificate_of_a_new_key_is_the_one_that_was_confirmed(member, value, why):
    maker = Maker()
    draft = maker.create()
    draft.request["credential"][member] = value

    with pytest.raises(EvidenceRefused, match=why):
        verify(maker.finish(draft).encoded(), maker.trust())


@pytest.mark.parametrize(("days", "fits"), [(728, False), (729, True), (730, True), (2**53 - 1, True), (0, False)])
def test_a_new_certificate_is_valid_no_longer_than_was_confirmed_and_a_day(days, fits):
    """The certificates here are valid for 730 days."""
    maker = Maker()
    draft = maker.create()
    draft.request["credential"]["validity_days"] = days
    record = maker.finish(draft).encoded()

    if fits:
        assert verify(record, maker.trust()).is_confirmed
    else:
        with pytest.raises(EvidenceRefused, match=f"valid longer than {days} days"):
            verify(record, maker.trust())


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())], ids=["RSA-1024", "K1"]
)
@pytest.mark.parametrize("place", [1, 2])
def test_a_weak_key_or_one_of_another_kind_issues_nothing(monkeypatch, key, place):
    made = evidence_chain._key
    weak = (ISSUING, ROOT)[place - 1].name
    monkeypatch.setattr(evidence_chain, "_key", lambda name, spec: key if name == weak else made(name, spec))

    with pytest.raises(EvidenceRefused, match=f"certificate {place} has a key that is weak, or of a kind"):
        proven(SIGNER, ISSUING, ROOT)
