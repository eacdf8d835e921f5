"""Certificates for evidence: a signer's, an issuing CA's and a root's, right or wrong as tests want them."""

import warnings
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from dss.kernel.keyspec import KeySpec
from tests.world.cakeys import new_key
from tests.world.clock import START

YEAR = timedelta(days=365)
PERSON = "Олена Коваль"
LONG_NAME = "Преображенська-Володимиренко Ярослава-Вікторія Станіславівна"  # more than 64 bytes, fewer than 65 letters


@dataclass(frozen=True)
class Plan:
    """What a certificate says.

    constraints: None for no such extension. usage: the bits that are set, None for no such extension.
    """

    name: str
    spec: KeySpec = KeySpec.P256
    constraints: x509.BasicConstraints | None = field(default_factory=lambda: x509.BasicConstraints(True, None))
    usage: frozenset[str] | None = frozenset({"key_cert_sign", "crl_sign"})
    not_before: datetime = START - YEAR
    not_after: datetime = START + YEAR
    more: tuple[tuple[x509.ExtensionType, bool], ...] = ()


ROOT = Plan("Root CA")
ISSUING = Plan("Issuing CA", constraints=x509.BasicConstraints(True, 0))
SIGNER = Plan(PERSON, constraints=None, usage=frozenset({"content_commitment"}))


@dataclass(frozen=True)
class Chain:
    """Certificates in DER, the signer's first, the root last, and their keys in the same order."""

    certificates: tuple[bytes, ...]
    keys: tuple[Any, ...]


def chain(*plans: Plan) -> Chain:
    """Make a chain; plans: the signer's first, the root's last."""
    keys = [_key(plan.name, plan.spec) for plan in plans]
    issuers = zip((*plans[1:], plans[-1]), (*keys[1:], keys[-1]), strict=True)  # a root issues itself
    made = [
        _certificate(plan, key, issuer.name, issuer_key)
        for plan, key, (issuer, issuer_key) in zip(plans, keys, issuers, strict=True)
    ]
    return Chain(tuple(made), tuple(keys))


@cache
def usual_chain(spec: KeySpec = KeySpec.P256, name: str = PERSON) -> Chain:
    """A signer, an issuing CA and a root; the root is the same for all."""
    signer = Plan(name, spec, SIGNER.constraints, SIGNER.usage)
    own = chain(signer, ISSUING)
    return Chain((*own.certificates[:1], *_authorities().certificates), (*own.keys[:1], *_authorities().keys))


def named(name: str) -> x509.Name:
    """A distinguished name of a country and a common name, which may have more bytes than the library likes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        common_name = x509.NameAttribute(NameOID.COMMON_NAME, name, _validate=False)
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "UA"), common_name])


@cache
def _authorities() -> Chain:
    return chain(ISSUING, ROOT)


@cache
def _key(name: str, spec: KeySpec) -> Any:
    return new_key(spec)


def _certificate(plan: Plan, key: Any, issuer: str, issuer_key: Any) -> bytes:
    builder = x509.CertificateBuilder(
        named(issuer), named(plan.name), key.public_key(), 1 + sum(plan.name.encode()), plan.not_before, plan.not_after
    )
    if plan.constraints is not None:
        builder = builder.add_extension(plan.constraints, critical=True)
    if plan.usage is not None:
        builder = builder.add_extension(_usage(plan.usage), critical=True)
    for extension, critical in plan.more:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)


def _usage(bits: frozenset[str]) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    names += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in bits for name in names})
