"""The one tree of errors. Each protocol maps `code` to its own form in its own `problems.py`."""

from typing import ClassVar


class DssError(Exception):
    """Anything the server refuses or fails to do, told to the caller.

    detail:      a sentence that names the fault and, where there is one, the limit; safe to show.
    retry_after: whole seconds after which the same request may succeed, or None.
    audited:     True once a service wrote the audit event itself, with the fact.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The server failed"

    def __init__(self, detail: str = "", *, retry_after: int | None = None, audited: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.audited = audited


class BadRequest(DssError):
    """The request cannot be read."""

    code, status, title = "bad_request", 400, "The request cannot be read"


class Invalid(DssError):
    """The request can be read, but a value in it is not acceptable."""

    code, status, title = "invalid", 422, "A value is not acceptable"


class BadDigest(Invalid):
    """A digest with an unknown algorithm or a wrong length."""

    code, title = "bad_digest", "A digest is not acceptable"


class BadDocument(Invalid):
    """A document that cannot be signed as it is."""

    code, title = "bad_document", "The document cannot be signed"


class DeceptiveText(Invalid):
    """Text that a person would not be shown as it is."""

    code, title = "deceptive_text", "The text cannot be shown faithfully"


class Unauthenticated(DssError):
    """The caller did not prove who it is."""

    code, status, title = "unauthenticated", 401, "The caller is not authenticated"


class Forbidden(DssError):
    """The caller is known, and may not do this."""

    code, status, title = "forbidden", 403, "The caller may not do this"


class AnswerRefused(Forbidden):
    """The phone's answer was not accepted; a wrong PIN and a wrong signature look alike."""

    code, title = "answer_refused", "The answer was not accepted"


class ActivationRefused(Forbidden):
    """The activation code does not open this enrolment."""

    code, title = "activation_refused", "The activation code was not accepted"


class NotFound(DssError):
    """Absent, or not the caller's to see: one answer for both."""

    code, status, title = "not_found", 404, "There is no such thing"


class Conflict(DssError):
    """The object is not in the state this needs."""

    code, status, title = "conflict", 409, "The object is not in the required state"


class Overtaken(Conflict):
    """Another change of the same row came first: whoever raises or sees this loads it again and decides again."""

    code, title = "overtaken", "Another change came first"


class IdempotencyConflict(Conflict):
    """An Idempotency-Key was used before with another request."""

    code, title = "idempotency_conflict", "The Idempotency-Key was used for another request"


class KeyInUse(Conflict):
    """A phone key that is registered already."""

    code, title = "key_in_use", "The key is registered already"


class Expired(DssError):
    """The time for this has passed."""

    code, status, title = "expired", 410, "The time for this has passed"


class TooLarge(DssError):
    """More than the limit, which the detail names."""

    code, status, title = "too_large", 413, "The request is larger than the limit"


class UnsupportedMedia(DssError):
    """A content type this operation does not take."""

    code, status, title = "unsupported_media_type", 415, "The content type is not supported"


class Locked(DssError):
    """Locked after failures or by its owner."""

    code, status, title = "locked", 423, "It is locked"


class Tampered(Locked):
    """A stored record does not carry the seal that the server gave it last: it was altered behind the server's back."""

    code, title = "tampered", "A stored record was altered"


class TooMany(DssError):
    """More requests than the limit, which the detail names."""

    code, status, title = "too_many", 429, "Too many requests"


class Unavailable(DssError):
    """A part the server needs does not answer now; nothing was lost."""

    code, status, title = "unavailable", 503, "The service is not available now"

    def __init__(self, detail: str = "", *, retry_after: int | None = 5, audited: bool = False) -> None:
        super().__init__(detail, retry_after=retry_after, audited=audited)


class HsmUnavailable(Unavailable):
    """The HSM does not answer or refuses to work."""

    code, title = "hsm_unavailable", "The HSM is not available now"


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""

    code, title = "database_unavailable", "The database is not available now"
