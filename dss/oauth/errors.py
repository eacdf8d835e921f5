"""Refusals of the token endpoint, under the codes of RFC 6749 section 5.2."""

from dss.kernel.errors import BadRequest, Unauthenticated


class InvalidRequest(BadRequest):
    """A parameter is missing, stands twice, or the client authenticates in two ways."""

    code, title = "invalid_request", "The token request is malformed"


class InvalidClient(Unauthenticated):
    """The client did not prove who it is; unknown clients and wrong proofs look alike."""

    code, title = "invalid_client", "The client is not authenticated"


class UnsupportedGrantType(BadRequest):
    """A grant that this server does not give tokens for."""

    code, title = "unsupported_grant_type", "The grant type is not supported"


class InvalidScope(BadRequest):
    """A scope that is malformed, unknown, or not the client's."""

    code, title = "invalid_scope", "The scope is not the client's to ask for"
