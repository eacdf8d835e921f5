"""Makes whole evidence records with keys in memory: no server, no HSM.

A `Draft` holds what goes into a record before anything is signed. A test alters it, and `Maker.finish` signs the rest
as if it were right: so a record is wrong in one place, and good in all others.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from dss.audit.event import commitment
from dss.documents.attributes import signed_attributes
from dss.evidence.pieces import Leaf, Piece, part_of
from dss.evidence.record import Consistency, Core, LogProof, Offline, Record
from dss.evidence.verifying import Trust
from dss.infra.jose import thumbprint
from dss.kernel import b64, canonical
from dss.kernel.digest import ALGORITHMS
from dss.kernel.ids import Ids
from dss.kernel.keyspec import KeySpec, Padding, Scheme
from tests.world import jws
from tests.world.clock import HandClock
from tests.world.evidence_chain import Chain, named, usual_chain
from tests.world.evidence_log import SoftLog

SERVER = "https://sign.example"
ISSUED, EXPIRES, ENROLLED = "2026-03-02T09:00:00Z", "2026-03-02T09:05:00Z", "2026-02-01T08:00:00Z"
ANSWERED = 1772442060  # 2026-03-02T09:01:00Z
ENDED = "2026-03-02T09:01:02.345678Z"
PDF = b"%PDF-1.7 a contract"


def sha(data: bytes | str) -> str:
    """SHA-256, base64url."""
    return b64.url_encode(hashlib.sha256(data.encode() if isinstance(data, str) else data).digest())


@dataclass
class Draft:
    """A record before it is signed: the claims of the four JWS, what the HSM signs, the event.

    What is absent of a member that follows from others (binding, hashes, the event's evidence) is filled in.
    extra: leaves that come into the log after this one's. kept: the size to be consistent with.
    stated: the server's word for its channel key, before it is signed; None for the right one.
    session: the claims of the session's request, which the answer is to. offline: in place of an answer.
    number_salt: of what was chosen. items: the documents of a batch. part: of those that were signed together, the
    indexes; leaf: the one of these that the record is about. pieces: all signatures, once they are made.
    """

    request: dict[str, Any]
    answer: dict[str, Any]
    enrolment: dict[str, Any]
    receipt: dict[str, Any]
    event: dict[str, Any]
    chain: Chain | None = None
    attributes: list[bytes] = field(default_factory=list)
    extra: int = 2
    kept: int | None = None
    stated: str | None = None
    salt: bytes = bytes(range(32))
    session: dict[str, Any] | None = None
    offline: Offline | None = None
    number_salt: bytes = b""
    items: list[dict[str, Any]] = field(default_factory=list)
    part: range = range(0)
    leaf: int = 0
    pieces: tuple[Piece, ...] = ()

    @property
    def shown(self) -> dict[str, Any]:
        """The claims of the request that is answered."""
        return self.request if self.session is None else self.session


class Maker:
    """A server, a phone and a CA in memory; each record goes into one log, which has a few leaves before.

    spec, scheme: of the signer's key.
    """

    def __init__(self, spec: KeySpec = KeySpec.P256, scheme: Scheme | None = None) -> None:
        self.log = SoftLog()
        self.log.add(b"a" * 32, b"b" * 32, b"c" * 32)
        self.scheme = scheme or Scheme.default_for(spec)
        self.chain, self.spec = usual_chain(spec), spec
        self.channel, self.signature, self.encryption, self.box = (jws.new_key() for _ in range(4))
        self._ids = Ids(HandClock())
        self.ids = {name: self._ids.new() for name in ("user", "device", "enrolment", "client", "credential", "other")}

    def trust(self, kept: str | None = None) -> Trust:
        """What a verifier would have from elsewhere."""
        return Trust(self.chain.certificates[-1], self.log.key, kept)

    def sign(self, *documents: str, algorithm: str | None = None) -> Draft:
        """A confirmed signing; documents: what each is, `pdf` or `hash`, one PDF by default."""
        hash_name = algorithm or ALGORITHMS[self.spec.natural_hash][0]
        draft = self._draft("sign", {"credential": self._named(), "documents": []})
        draft.chain = self.chain
        for index, kind in enumerate(documents or ("pdf",)):
            item, attributes = self._item(index, kind, hash_name)
            draft.request["documents"].append(item)
            draft.attributes.append(attributes)
        return draft

    def create(self, *, replaces: bool = False, subject: str = named("Олена Коваль").rfc4514_string()) -> Draft:
        """A confirmed new key."""
        wanted = {"subject": subject, "key_type": self.spec.value, "validity_days": 730}
        old = {"replaces": self._named()} if replaces else {}
        draft = self._draft("create", {"credential": {"id": self.ids["other"], **wanted, **old}})
        draft.chain = self.chain
        return draft

    def change(self, action: str) -> Draft:
        """A confirmed change."""
        salted = {"salt": b64.url_encode(bytes(16)), "memory_kib": 65536, "passes": 3, "lanes": 4}
        more: dict[str, dict[str, Any]] = {
            "password": {"password": salted},
            "revoke": {"reason": "keyCompromise"},
            "remove": {"phone": {"id": self.ids["other"], "name": "Old phone"}},
            "allow": {"relying_application": {"id": self.ids["client"], "name": "Shop"}},
        }
        change = {"action": action, **more.get(action, {})}
        of_key = {} if action in {"pin", "remove", "allow"} else {"credential": self._named()}
        return self._draft("change", {"change": change, "phone": self.ids["device"], **of_key})

    def share(self) -> Draft:
        """A confirmed share of two keys with another phone."""
        keys = {name: jws.public_jwk(jws.new_key()) for name in ("enc", "sig")}
        phone = {"id": self.ids["other"], "name": "New phone", "keys": keys}
        both = [self._named(), {"id": self._ids.new(), "certificate_sha256": sha(b"another")}]
        draft = self._draft("share", {"share": {"phone": phone, "credentials": both}, "phone": self.ids["device"]})
        draft.answer["share_sha256"] = sha(b"shared")
        return draft

    def session(self, signatures: int = 20, minutes: int = 15) -> Draft:
        """A confirmed session."""
        wanted = {"signatures": signatures, "minutes": minutes}
        return self._draft("session", {"credential": self._named(), "session": wanted})

    def asked_by(self, who: str, draft: Draft) -> Draft:
        """The same, asked for by the signer's own phone (`owner`) or by the server's operator (`operator`)."""
        draft.request["relying_application"] = {"id": who, "name": "Sign Example"}
        return draft

    def declined(self, draft: Draft, reason: str = "") -> Draft:
        """The same, declined."""
        for name in ("verification", "sealed_sha256", "share_sha256", "number", "declined_documents"):
            draft.answer.pop(name, None)
        draft.answer |= {"decision": "decline", **({"reason": reason} if reason else {})}
        draft.event |= {"kind": "transaction.declined", "actor": f"device:{self.ids['device']}"}
        draft.chain, draft.number_salt, draft.part = None, b"", range(0)
        return draft

    def by_further_phone(self, draft: Draft) -> Draft:
        """The same, on a phone that had to wait before it might answer."""
        draft.receipt["active"] = "2026-02-02T08:00:00Z"
        return draft

    def with_consistency(self, draft: Draft, kept: int = 2) -> Draft:
        """The same, with the proof for whoever kept the checkpoint of this size."""
        draft.kept = kept
        return draft

    def statement(self, draft: Draft) -> str:
        """The text by which the server says which channel key is its own."""
        server = draft.request.get("server", SERVER)
        return f"dss-channel-key/v1\n{self.log.key.name}\n{server}\n{thumbprint(jws.public_jwk(self.channel))}\n"

    def core(self, draft: Draft) -> Core:
        """Sign all but the log."""
        enrolment = jws.sign_claims("dss-enrolment+jws", draft.enrolment, self.signature)
        receipt = {"enrolment_sha256": sha(enrolment)} | draft.receipt
        draft.pieces = self._pieces(draft)
        return Core(
            self._asked(draft.request),
            "" if draft.offline else self._answer(draft),
            enrolment,
            jws.sign_claims("dss-receipt+jws", receipt, self.channel),
            self.log.signed(self.statement(draft) if draft.stated is None else draft.stated),
            () if draft.part else draft.pieces,
            draft.chain.certificates if draft.chain else (),
            draft.number_salt,
            part_of(draft.pieces) if draft.part else None,
            self._asked(draft.session) if draft.session else "",
            draft.offline,
        )

    def _asked(self, claims: dict[str, Any]) -> str:
        return jws.sign_claims("dss-confirmation-request+jws", claims, self.channel)

    def _answer(self, draft: Draft) -> str:
        binding = hashlib.sha256(b"dss/confirmation/v1\x00" + canonical.encode(draft.shown)).digest()
        answered = {"binding": b64.url_encode(binding)} | draft.answer
        return jws.sign_claims("dss-answer+jws", answered, self.signature, kid=self.ids["device"])

    def finish(self, draft: Draft, core: Core | None = None) -> Record:
        """Sign everything; core: another than the draft's own."""
        made = self.core(draft) if core is None else core
        evidence = {"evidence": b64.url_encode(made.digest())}
        event = draft.event | {"details": evidence | draft.event["details"]}
        leaf = self.log.add(
            commitment(draft.salt, canonical.encode(event)), *(bytes([n]) * 32 for n in range(draft.extra))
        )
        size = len(self.log.entries)
        proof = None if draft.kept is None else Consistency(draft.kept, self._consistency(draft.kept, size))
        path, checkpoint = self.log.inclusion(leaf), self.log.checkpoint()
        return Record(made, LogProof(event, draft.salt, leaf, path, checkpoint, proof), self._leaf(draft))

    def _consistency(self, kept: int, size: int) -> tuple[bytes, ...]:
        return self.log.consistency(min(kept, size), max(kept, size))

    def _draft(self, kind: str, members: dict[str, Any]) -> Draft:
        ids, transaction, person = self.ids, self._ids.new(), {"login": "dss_1", "name": "Олена Коваль"}
        sig, enc = jws.public_jwk(self.signature), jws.public_jwk(self.encryption)
        request = {
            "server": SERVER,
            "transaction": transaction,
            "nonce": b64.url_encode(bytes(16)),
            "issued": ISSUED,
            "expires": EXPIRES,
            "kind": kind,
            "relying_application": {"id": ids["client"], "name": "Shop"},
            "signer": {"id": ids["user"], **person},
            "text": "Договір № 7",
            "documents": [],
            "verification": {"mode": "none"},
            "policy": {"answer_by": ["pin"]},
            "box_key": {"kid": self._ids.new(), "jwk": jws.public_jwk(self.box)},
        }
        answer = {"aud": SERVER, "txn": transaction, "counter": 7, "iat": ANSWERED, "decision": "confirm"}
        enrolment = {"aud": SERVER, "enrolment": ids["enrolment"], "nonce": "bm9uY2U", "name": "Pixel 9"}
        enrolment |= {"platform": "Android 16", "keys": {"enc": enc, "sig": sig}, "iat": ANSWERED - 10**6}
        receipt = {"server": SERVER, "enrolment": ids["enrolment"], "device": ids["device"], "enrolled": ENROLLED}
        event = {"id": self._ids.new(), "at": ENDED, "kind": "transaction.signed", "actor": "server"}
        return Draft(
            request=request | members,
            answer=answer | {"verification": "pin", "sealed_sha256": sha(b"sealed")},
            enrolment=enrolment | {"proof": sha(b"proof"), "sealed_sha256": sha(b"box")},
            receipt=receipt | {"counter": 0, "user": {"id": ids["user"], **person}},
            event=event | {"subject": f"transaction:{transaction}", "outcome": "done", "details": {"lease": "1"}},
        )

    def _named(self) -> dict[str, Any]:
        return {"id": self.ids["credential"], "certificate_sha256": sha(self.chain.certificates[0])}

    def _item(self, index: int, kind: str, hash_name: str) -> tuple[dict[str, Any], bytes]:
        plain = {"index": index, "scheme": self.scheme.name, "hash_algorithm": hash_name}
        if kind == "hash":
            to_sign = hashlib.new(hash_name, b"a hash of %d" % index).digest()
            return plain | {"format": "hash", "to_sign": b64.url_encode(to_sign)}, b""
        over_range = hashlib.new(hash_name, b"prepared %d" % index).digest()
        attributes = signed_attributes(over_range, self.chain.certificates[0])
        to_sign = hashlib.new(hash_name, attributes).digest()
        shown = {"name": f"contract {index}.pdf", "media_type": "application/pdf", "size": len(PDF)}
        shown |= {"format": "PAdES-B-B", "document_digest": sha(PDF), "to_sign": b64.url_encode(to_sign)}
        return plain | shown, attributes

    def _pieces(self, draft: Draft) -> tuple[Piece, ...]:
        if draft.chain is None or draft.request["kind"] != "sign":
            return ()
        documents = draft.items or draft.request["documents"]
        declined, wanted = draft.answer.get("declined_documents", []), draft.part or range(len(documents))
        return tuple(
            Piece(item["index"], attributes, self._signed(draft.chain.keys[0], item))
            for item, attributes in zip(documents, draft.attributes, strict=True)
            if item["index"] in wanted and item["index"] not in declined
        )

    def _leaf(self, draft: Draft) -> Leaf | None:
        if not draft.part:
            return None
        (number,) = (number for number, piece in enumerate(draft.pieces) if piece.index == draft.leaf)
        return Leaf.of([canonical.encode(item) for item in draft.items], draft.pieces, number)

    def _signed(self, key: Any, item: dict[str, Any]) -> bytes:
        to_sign, hashed = b64.url_decode(item["to_sign"]), getattr(hashes, item["hash_algorithm"].upper())()
        if self.scheme.padding is Padding.ECDSA:
            return bytes(key.sign(to_sign, ec.ECDSA(Prehashed(hashed))))
        pss = padding.PSS(padding.MGF1(hashed), self.scheme.salt_length)
        padded = pss if self.scheme.padding is Padding.PSS else padding.PKCS1v15()
        return bytes(key.sign(to_sign, padded, Prehashed(hashed)))
