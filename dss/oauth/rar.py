"""The authorization detail of the type `signature`: what a client wants to have signed, and by which key.

Source: RFC 9396 sections 2 and 5; docs/authorization.md section 3.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dss.devices.items import MOST
from dss.kernel import b64
from dss.kernel.digest import algorithm_named
from dss.kernel.errors import BadRequest, Conflict, DssError, Invalid
from dss.kernel.ids import ClientId, CredentialId, DocumentId, TransactionId
from dss.kernel.keyspec import Scheme
from dss.kernel.policy import Mode
from dss.kernel.storable import require_storable_json
from dss.oauth.authorization_errors import InvalidAuthorizationDetails
from dss.transactions import rules
from dss.transactions.model import Idempotency, Limits, OpenSigning

TYPE = "signature"
LONGEST = 2 * 1024 * 1024

Id = Annotated[str, Meta(pattern="^[0-9A-HJKMNP-TV-Z]{26}$", min_length=26, max_length=26)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", min_length=64, max_length=64)]


class DocumentForm(msgspec.Struct, forbid_unknown_fields=True):
    """An uploaded document, and the SHA-256 that it must have, if that was told."""

    id: Id
    sha256: Sha256 | None = None


class SignatureForm(msgspec.Struct, forbid_unknown_fields=True):
    """The detail as it comes: members and limits of a request for signatures, with the type beside them."""

    type: Annotated[str, Meta(pattern="^signature$", max_length=len(TYPE))]
    credential_id: Id | None = None
    text: Annotated[str, Meta(max_length=500)] = ""
    documents: Annotated[list[DocumentForm], Meta(max_length=MOST)] = []
    hashes: Annotated[list[Annotated[str, Meta(max_length=128)]], Meta(max_length=MOST)] = []
    hash_algorithm: Annotated[str, Meta(max_length=16)] | None = None
    scheme: Annotated[str, Meta(max_length=16)] | None = None
    verification: Mode = Mode.NONE


@dataclass(frozen=True, slots=True)
class Detail:
    """What is to be signed; members as in OpenSigning.

    credential_id: None where the signer chooses a key.
    member:        the detail as the client wrote it, which tokens repeat.
    """

    credential_id: CredentialId | None
    text: str
    documents: tuple[DocumentId, ...]
    meant: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    hash_algorithm: str
    scheme: Scheme | None
    mode: Mode
    member: dict[str, Any]

    def wish(
        self, client_id: ClientId, credential_id: CredentialId, browser: str = "", once: Idempotency | None = None
    ) -> OpenSigning:
        """Return what the client asks for, by a key."""
        return OpenSigning(
            client_id=client_id,
            credential_id=credential_id,
            text=self.text,
            documents=self.documents,
            meant=self.meant,
            hashes=self.hashes,
            hash_algorithm=self.hash_algorithm,
            scheme=self.scheme,
            mode=self.mode,
            browser=browser,
            idempotency=once,
        )

    def enriched(self, credential_id: CredentialId, signature_id: TransactionId) -> dict[str, Any]:
        """Return the detail as it was authorized (RFC 9396 section 7)."""
        return {**self.member, "credential_id": credential_id, "signature_id": signature_id}


def read(text: str, limits: Limits) -> Detail:
    """Read the parameter `authorization_details`. Raises InvalidAuthorizationDetails."""
    member = _only(_json(text))
    try:
        form = msgspec.convert(member, SignatureForm)
        detail = _detail(form, member)
        # The limits are the same for every key and client.
        rules.require_acceptable(detail.wish(ClientId(""), CredentialId("")), limits)
    except msgspec.ValidationError as fault:
        raise InvalidAuthorizationDetails(f"the detail does not fit: {fault}") from fault
    except (BadRequest, Invalid, Conflict) as fault:
        raise refused(fault) from fault
    return detail


def refused(fault: DssError) -> InvalidAuthorizationDetails:
    """Return why what a detail asks for is not acceptable."""
    return InvalidAuthorizationDetails(fault.detail or fault.title)


def _json(text: str) -> Any:
    if len(text) > LONGEST:
        raise InvalidAuthorizationDetails(f"authorization_details has at most {LONGEST} characters")
    try:
        require_storable_json(text.encode())
        return json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except Invalid as fault:
        raise refused(fault) from fault
    except (ValueError, RecursionError, BadRequest) as fault:
        raise InvalidAuthorizationDetails("authorization_details is not JSON, or a member stands twice") from fault


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _only(details: Any) -> dict[str, Any]:
    if not isinstance(details, list) or len(details) != 1 or not isinstance(details[0], dict):
        raise InvalidAuthorizationDetails("authorization_details is an array of one object")
    detail: dict[str, Any] = details[0]
    if detail.get("type") != TYPE:
        raise InvalidAuthorizationDetails(f"the one type of detail is {TYPE}")
    return detail


def _detail(form: SignatureForm, member: dict[str, Any]) -> Detail:
    if form.hash_algorithm is not None and not form.hashes:
        raise Invalid("hash_algorithm is for hashes")
    return Detail(
        credential_id=None if form.credential_id is None else CredentialId(form.credential_id),
        text=form.text,
        documents=tuple(DocumentId(document.id) for document in form.documents),
        meant=tuple(bytes.fromhex(document.sha256 or "") for document in form.documents),
        hashes=tuple(_hash(index, hashed) for index, hashed in enumerate(form.hashes)),
        hash_algorithm=algorithm_named("sha256" if form.hash_algorithm is None else form.hash_algorithm),
        scheme=None if form.scheme is None else Scheme.named(form.scheme),
        mode=form.verification,
        member=member,
    )


def _hash(index: int, text: str) -> bytes:
    try:
        return b64.decode(text)
    except BadRequest as fault:
        raise BadRequest(f"hashes[{index}]: {fault.detail}") from fault
