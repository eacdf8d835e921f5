"""Refusals of the authorization server, under the codes of RFC 6749 section 5.2 and RFC 9449 section 12.2."""

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


class InvalidDpopProof(BadRequest):
    """A DPoP proof that proves nothing of this request."""

    code, title = "invalid_dpop_proof", "The DPoP proof is not acceptable"


class UseDpopNonce(InvalidDpopProof):
    """A DPoP proof without the nonce that the server asks for: it stands in the answer's DPoP-Nonce."""

    code, title = "use_dpop_nonce", "The DPoP proof needs the server's nonce"


class ProofRefused(Unauthenticated):
    """A resource was called with a DPoP proof that is not acceptable."""

    code, title = InvalidDpopProof.code, InvalidDpopProof.title


class NonceNeeded(ProofRefused):
    """A resource was called with a DPoP proof without the server's nonce."""

    code, title = UseDpopNonce.code, UseDpopNonce.title


class InvalidGrant(BadRequest):
    """A code, refresh token or password that is wrong, over, used or another's: one answer for all of them."""

    code, title = "invalid_grant", "The grant is not good"


class UnauthorizedClient(BadRequest):
    """The client is not registered for this grant type."""

    code, title = "unauthorized_client", "The client may not use this grant type"


class InvalidTarget(BadRequest):
    """A token for somebody else than this server (RFC 8693 section 2.2.2)."""

    code, title = "invalid_target", "The target is not this server"
