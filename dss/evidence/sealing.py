"""The report with the server's seal on it: PAdES B-B by a key in the HSM.

The file is the server's own from its first byte, so unlike a foreign one it needs no child to be read in. What works on
it takes processor time and libraries that are slow to load, and runs in a thread.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime

from dss.ca.service import Issued
from dss.ca.service_certificates import ServiceCertificates
from dss.documents import recheck
from dss.documents.attributes import signed_attributes
from dss.documents.model import Completing, Place, PrepareFor
from dss.evidence.saying import say
from dss.evidence.verifying import Proven
from dss.hsm.mechanisms import ecdsa_der
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.kernel.clock import Clock
from dss.kernel.keyspec import KeySpec, Padding, Scheme


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A report with an empty place for the seal.

    attributes: what the key signs, DER. chain: certificates, DER, the key's first, the root last.
    """

    pdf: bytes
    place: Place
    attributes: bytes
    chain: tuple[bytes, ...]

    def sealed(self, signature: bytes) -> bytes:
        """Return the report with the seal in its place. Blocking. Raises NotVerified unless it is valid then.

        signature: over the attributes, DER.
        """
        from dss.documents import pades  # noqa: PLC0415  only sealing waits for pyHanko

        how = Completing(self.place, self.attributes, signature, self.chain)
        recheck.require_signature(how)
        content = asyncio.run(pades.complete(self.pdf, how)).hex().upper().encode()
        start = self.place.start + 1
        return self.pdf[:start] + content + self.pdf[start + len(content) :]


class Reports:
    """Prints what evidence says, and seals it."""

    def __init__(self, keys: ServiceKeys, certificates: ServiceCertificates, clock: Clock) -> None:
        self._keys = keys
        self._certificates = certificates
        self._clock = clock

    async def report(self, record: bytes, proven: Proven, language: str) -> bytes:
        """Return the sealed report of a record, PDF.

        record: the file as it is given out; it is attached. proven: what it proves. language: one of LOCALES.
        Raises Invalid for another language, HsmUnavailable, Unavailable while the key has no certificate.
        """
        at = self._clock.now().replace(microsecond=0)
        issued = await self._certificates.get(KeyName.EVIDENCE_SEAL)
        pdf = await asyncio.to_thread(_printed, record, proven, language, at)
        unsealed = await asyncio.to_thread(_unsealed, pdf, issued, at)
        signature = ecdsa_der(await self._keys.sign_es256(KeyName.EVIDENCE_SEAL, unsealed.attributes))
        return await asyncio.to_thread(unsealed.sealed, signature)


def _printed(record: bytes, proven: Proven, language: str, at: datetime) -> bytes:
    from dss.evidence.report import Matter, print_report  # noqa: PLC0415  only printing waits for fpdf

    return print_report(Matter(record, proven, say(proven, language), at))


def _unsealed(pdf: bytes, issued: Issued, at: datetime) -> Unsealed:
    from dss.documents import pades  # noqa: PLC0415  only sealing waits for pyHanko

    chain = (issued.certificate, *issued.chain)
    # ISO 32000-1 section 12.8.1: the signer is named beside the signature only where no certificate names it.
    how = PrepareFor(chain, KeySpec.P256, Scheme(Padding.ECDSA), signer_name="", signed_at=at)
    tail = asyncio.run(pades.prepare(pdf, how))
    place, prepared = recheck.place_in(tail, len(pdf), how), pdf + tail
    digest = hashlib.new(place.hash_name, prepared[: place.start] + prepared[place.end :]).digest()
    return Unsealed(prepared, place, signed_attributes(digest, issued.certificate), chain)
