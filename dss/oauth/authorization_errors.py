"""What comes of an authorization request that is not granted: a page, a way back to the client, or a refusal by code.

Source: RFC 6749 section 4.1.2.1, RFC 9101 section 7, RFC 9396 section 5, OpenID Connect Core 1.0 section 3.1.2.6.
"""

from enum import StrEnum

from dss.kernel.errors import BadRequest, DssError


class UnsupportedResponseType(BadRequest):
    """Another response than a code."""

    code, title = "unsupported_response_type", "The one response type is code"


class RequestNotSupported(BadRequest):
    """A request object: requests are signed by nobody here, they are pushed."""

    code, title = "request_not_supported", "Request objects are not supported"


class InvalidAuthorizationDetails(BadRequest):
    """An authorization detail that is malformed, unknown, or does not fit the scope."""

    code, title = "invalid_authorization_details", "The authorization details are not acceptable"


class Refused(StrEnum):
    """Why a request that could be read came to nothing."""

    ACCESS_DENIED = "access_denied"
    LOGIN_REQUIRED = "login_required"
    CONSENT_REQUIRED = "consent_required"
    INTERACTION_REQUIRED = "interaction_required"
    SERVER_ERROR = "server_error"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


class PageFault(BadRequest):
    """The client or its redirect URI is not known: the person is told, and sent nowhere."""

    code, title = "page_fault", "The application did not ask as it should"


class RequestGone(PageFault):
    """A pushed request that is unknown, over, another client's or decided on: one answer for all."""

    code, title = "request_gone", "The request is over"


class SentBack(DssError):
    """The answer is the client's to hear: the person's browser goes to the URL."""

    code, status, title = "sent_back", 303, "The answer is the application's"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
