"""The kinds of signing keys, and the ways to sign with them."""

from dataclasses import dataclass
from enum import StrEnum

from dss.kernel.digest import SHA256, SHA384, SHA512
from dss.kernel.errors import Invalid


class KeySpec(StrEnum):
    """A kind of key, by the name that the APIs and the database use."""

    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"
    P256 = "P-256"
    P384 = "P-384"
    P521 = "P-521"

    @property
    def is_rsa(self) -> bool:
        """True for RSA, False for elliptic curves."""
        return self.value.startswith("RSA-")

    @property
    def bits(self) -> int:
        """The modulus length, or the length of the curve's order, in bits."""
        return int(self.value.split("-")[1])

    @property
    def natural_hash(self) -> str:
        """The OID of the hash as strong as the key."""
        return {KeySpec.P384: SHA384, KeySpec.P521: SHA512}.get(self, SHA256)


class Padding(StrEnum):
    """How a digest becomes a signature."""

    PKCS1 = "pkcs1v15"
    PSS = "pss"
    ECDSA = "ecdsa"


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to sign a digest.

    padding:     PKCS1 and PSS for RSA keys, ECDSA for curves.
    salt_length: of PSS, in bytes; 0 for the others.
    Source: RFC 8017 sections 8.1 and 8.2, FIPS 186-5.
    """

    padding: Padding
    salt_length: int = 0

    @classmethod
    def default_for(cls, spec: KeySpec) -> "Scheme":
        """Return PKCS#1 v1.5 for RSA and ECDSA for curves."""
        return cls(Padding.PKCS1 if spec.is_rsa else Padding.ECDSA)

    @classmethod
    def named(cls, name: str) -> "Scheme":
        """Read what `name` writes. Raises Invalid."""
        for padding in (Padding.PKCS1, Padding.ECDSA):
            if name == padding.value:
                return cls(padding)
        kind, _, salt = name.partition("-")
        if kind != Padding.PSS or not (salt.isascii() and salt.isdecimal()) or str(int(salt[:3])) != salt:
            raise Invalid("a signature scheme is pkcs1v15, ecdsa or pss-N with a salt of N bytes")
        return cls(Padding.PSS, int(salt))

    @property
    def name(self) -> str:
        """The scheme as the wire formats write it: pkcs1v15, ecdsa, or pss-N with a salt of N bytes."""
        return f"{self.padding}-{self.salt_length}" if self.padding is Padding.PSS else self.padding.value


def require_fit(spec: KeySpec, scheme: Scheme) -> None:
    """Raise Invalid unless keys of this kind can sign this way."""
    if spec.is_rsa is (scheme.padding is Padding.ECDSA):
        raise Invalid(f"a {spec} key cannot sign with {scheme.padding}")
    if not 0 <= scheme.salt_length <= 64:
        raise Invalid("the PSS salt has 0 to 64 bytes")
