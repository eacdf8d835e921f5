"""The certification request of a fresh key, on its way from the role that made the key to the one that certifies it."""

from asn1crypto import csr

from dss.credentials.model import Credential
from dss.kernel.errors import Conflict


def require_for(credential: Credential, key_type: str) -> None:
    """Raise Conflict unless the credential's request is for its own key, of the kind that was confirmed."""
    info = csr.CertificationRequest.load(credential.csr)["certification_request_info"]
    named = info["subject"].native == {"common_name": credential.id}
    same_key = info["subject_pk_info"].dump() == credential.public_key
    if not named or not same_key or credential.key_spec != key_type:
        raise Conflict("the certification request is not the one of the confirmed key")
