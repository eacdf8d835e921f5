"""Certification requests that a key of the HSM signs: proof to the CA that the key exists and is held here.

Source: RFC 2986 section 4, RFC 5754 section 3.
"""

from collections.abc import Awaitable, Callable

from asn1crypto import csr, keys, x509

from dss.kernel.digest import ALGORITHMS
from dss.kernel.keyspec import KeySpec


async def make(common_name: str, spec: KeySpec, public_key: bytes, sign: Callable[[bytes], Awaitable[bytes]]) -> bytes:
    """Return a PKCS#10 request, DER. Its subject has the common name only: the CA decides on the real one.

    public_key: SubjectPublicKeyInfo, DER.
    sign:       signs bytes with the key and its natural hash, PKCS#1 v1.5 for RSA and DER ECDSA for curves.
    """
    info = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": x509.Name.build({"common_name": common_name}),
            "subject_pk_info": keys.PublicKeyInfo.load(public_key),
            "attributes": [],
        }
    )
    hash_name, _ = ALGORITHMS[spec.natural_hash]
    algorithm = {"algorithm": f"{hash_name}_{'rsa' if spec.is_rsa else 'ecdsa'}"}
    request = csr.CertificationRequest(
        {
            "certification_request_info": info,
            "signature_algorithm": algorithm,
            "signature": await sign(info.dump()),
        }
    )
    der: bytes = request.dump()
    return der
