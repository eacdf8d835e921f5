"""The certification request that a fresh key signs: proof to the CA that the key exists and is held here.

Source: RFC 2986 section 4, RFC 5754 section 3.
"""

from collections.abc import Awaitable, Callable

from asn1crypto import csr, keys, x509

from dss.credentials.model import Credential
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict
from dss.kernel.ids import CredentialId
from dss.kernel.keyspec import KeySpec


async def make(
    credential: CredentialId, spec: KeySpec, public_key: bytes, sign: Callable[[Digest], Awaitable[bytes]]
) -> bytes:
    """Return a PKCS#10 request, DER. Its subject names the credential only: the CA decides on the real one.

    public_key: SubjectPublicKeyInfo, DER.
    sign:       signs a digest with the fresh key, PKCS#1 v1.5 for RSA and DER ECDSA for curves.
    """
    info = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": x509.Name.build({"common_name": credential}),
            "subject_pk_info": keys.PublicKeyInfo.load(public_key),
            "attributes": [],
        }
    )
    digest = Digest.of(info.dump(), spec.natural_hash)
    algorithm = {"algorithm": f"{digest.name}_{'rsa' if spec.is_rsa else 'ecdsa'}"}
    request = csr.CertificationRequest(
        {
            "certification_request_info": info,
            "signature_algorithm": algorithm,
            "signature": await sign(digest),
        }
    )
    der: bytes = request.dump()
    return der


def require_for(credential: Credential, key_type: str) -> None:
    """Raise Conflict unless the credential's request is for its own key, of the kind that was confirmed."""
    info = csr.CertificationRequest.load(credential.csr)["certification_request_info"]
    named = info["subject"].native == {"common_name": credential.id}
    same_key = info["subject_pk_info"].dump() == credential.public_key
    if not named or not same_key or credential.key_spec != key_type:
        raise Conflict("the certification request is not the one of the confirmed key")
