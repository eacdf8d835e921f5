"""What a request brings along to prove whose it is."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Presented:
    """The parts of a request that proofs are about; what is absent is empty.

    url:           of the operation, without the query; by the server's own name, whatever Host the caller wrote.
    authorization: the header's value. dpop: the header's, several joined as HTTP joins them.
    certificate:   of the caller's TLS connection, DER.
    """

    method: str
    url: str
    authorization: str = field(default="", repr=False)
    dpop: str = field(default="", repr=False)
    certificate: bytes | None = None
