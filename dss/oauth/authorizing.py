"""The verbs of the authorization endpoint: read a request, tell what comes next, allow it or refuse it.

Nothing of a request is kept before the signer has decided, but what its client pushed. Source: RFC 6749 section 4.1,
RFC 9126 section 4, RFC 9207, RFC 9396; docs/authorization.md sections 4 and 8.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event, Outcome
from dss.clients.model import Client
from dss.infra.schema import EPOCH
from dss.kernel import canonical
from dss.kernel.errors import (
    BadRequest,
    Conflict,
    DssError,
    Expired,
    Forbidden,
    Invalid,
    NotFound,
    Tampered,
    TooMany,
    Unauthenticated,
)
from dss.kernel.ids import CredentialId, GrantId, TransactionId
from dss.login.model import Session
from dss.oauth import authorization_request, awaiting_store, steps
from dss.oauth.authorization_errors import InvalidAuthorizationDetails, PageFault, Refused, RequestGone, SentBack
from dss.oauth.authorization_request import ASKED_AT, AuthorizationRequest, Query
from dss.oauth.awaiting import Awaiting, waiting_at
from dss.oauth.errors import InvalidRequest, UnauthorizedClient
from dss.oauth.grant import NewGrant
from dss.oauth.pushed import GONE
from dss.oauth.rar import Detail
from dss.oauth.reading import Wish
from dss.oauth.redirects import WayBack
from dss.oauth.signers_keys import Key
from dss.oauth.steps import Step
from dss.transactions.model import Idempotency, OpenSigning
from dss.transactions.outcome import Details

# Longer than documents are prepared (24 h), the phone is waited for, and a confirmed signature is tried to be made.
LONGEST_WAIT = timedelta(hours=50)
UNKNOWN = "the application is not known, or did not say where it is registered to be answered"

# What a refusal to open the signature is called to the client; what is not named here is no answer, but a failure.
REFUSALS: tuple[tuple[type[DssError], str], ...] = (
    (TooMany, Refused.TEMPORARILY_UNAVAILABLE),
    (Forbidden, Refused.ACCESS_DENIED),
    (Conflict, Refused.ACCESS_DENIED),
    (Expired, Refused.ACCESS_DENIED),
    (Invalid, InvalidAuthorizationDetails.code),
    (NotFound, InvalidAuthorizationDetails.code),
    (Tampered, Refused.SERVER_ERROR),
)


class Authorizing(Awaiting):
    """The authorization endpoint: these verbs until the signer has decided, and those of what waits from then on."""

    async def read_query(self, query: bytes) -> Wish:
        """Read the query of a request, as `read`."""
        return await self.read(authorization_request.read_query(query))

    async def read(self, query: Query) -> Wish:
        """Read a request, as it is or by the name that it was pushed under.

        Raises PageFault where the client or its redirect URI is not known or the name is over, SentBack with the answer
        to the client for every other fault, HsmUnavailable.
        """
        client = await self._client(query.values)
        name = query.values.get("request_uri", "")
        pushed = await self._parts.pushed.get(name, client.id) if name else None
        # Of what stands beside the name nothing counts (RFC 9126 section 4, RFC 9101 section 6.3).
        asked = query if pushed is None else Query(pushed.values)
        back = self._way_back(asked.values, client)
        try:
            if pushed is None and client.profile.par:
                raise InvalidRequest("the client's authorization requests are pushed")
            request, documents = await self._parts.reading.read(asked, client)
        except BadRequest as fault:
            raise SentBack(back.with_error(fault.code, fault.detail)) from fault
        at = self._asked_at(asked.values) if pushed is None else pushed.at
        again = _by_name(client, name) if name else _by_itself(asked.values, at, request)
        return Wish(request, client, authorization_request.written(again), back, documents, at, pushed)

    async def next_step(self, wish: Wish, session: Session | None) -> Step:
        """Return what the person is asked next.

        Raises SentBack where the client wants nothing to be asked and something has to be, PageFault for a pushed
        request that was decided on, Tampered, HsmUnavailable.
        """
        if wish.pushed is not None and wish.pushed.decided:
            raise RequestGone(GONE)
        signed_in = steps.is_signed_in(wish, session)
        remembered = session is not None and signed_in and await self._is_remembered(wish, session)
        step = steps.next_step(wish, signed_in=signed_in, remembered=remembered)
        if isinstance(step, Refused):
            raise SentBack(wish.back.with_error(step))
        return step

    async def keys_for(self, wish: Wish, session: Session) -> tuple[Key, ...]:
        """Return the signer's keys that may be used for this, by id; of another's key nothing is known.

        Raises Tampered, HsmUnavailable.
        """
        detail = wish.request.detail
        return () if detail is None else await self._parts.keys.of(session.user_id, detail)

    async def allow(self, wish: Wish, session: Session, browser: str, credential_id: str = "", nonce: str = "") -> str:
        """Do what the signer allowed, and return where the browser goes: back with a code, or to the page that waits.

        browser:       what stands for it, 43 characters.
        credential_id: the chosen key; may be left out where there is but one.
        nonce:         of the form: one that is sent twice asks the phone once; empty where there was no form.
        Raises SentBack with why it cannot be, Unauthenticated for a session that is not whole or too old, PageFault
        for a pushed request that was decided on before, Tampered, Unavailable.
        """
        if not steps.is_signed_in(wish, session):
            raise Unauthenticated("the person has to sign in first")
        detail = wish.request.detail
        key = None if detail is None else await self._chosen(wish, session, detail, credential_id)
        decision = f"allow {session.id} {key} {nonce}" if nonce else f"allow {self._parts.ids.new()}"
        await self._decide(wish, decision)
        if detail is None or key is None:
            return wish.back.with_code(await self._parts.grants.issue(_granted(wish, session)))
        signature_id = await self._open(wish, detail.wish(wish.client.id, key, browser, _once(wish, decision)))
        granted = replace(
            _granted(wish, session),
            details=(detail.enriched(key, signature_id),),
            signature_id=signature_id,
            expires_at=self._parts.clock.now() + LONGEST_WAIT,
        )
        return waiting_at(await self._begin(granted, signature_id))

    async def refuse(self, wish: Wish, session: Session | None = None) -> str:
        """Return where the browser goes after the person refused. Raises PageFault where it was decided before."""
        await self._decide(wish, "refuse")
        if session is not None:
            p, scope = self._parts, wish.request.scope
            told = {"scope": scope}
            event = Event("authorization.refused", session.actor, f"client:{wish.client.id}", Outcome.REFUSED, told)
            async with p.database.write() as connection:
                await p.audit.record(connection, event)
        return wish.back.with_error(Refused.ACCESS_DENIED, "the signer refused")

    async def _client(self, values: Mapping[str, str]) -> Client:
        """Return the client; one that is unknown and one that may not ask for codes look alike. Raises PageFault."""
        try:
            client = await self._parts.clients.get(authorization_request.client_id_of(values))
            authorization_request.require_code_client(client)
        except (NotFound, Tampered, PageFault, UnauthorizedClient) as fault:
            raise PageFault(UNKNOWN) from fault
        return client

    def _way_back(self, values: Mapping[str, str], client: Client) -> WayBack:
        try:
            uri = authorization_request.redirect_uri_of(values, client)
        except InvalidRequest as fault:
            raise PageFault(UNKNOWN) from fault
        return WayBack(self._parts.issuer.url, uri, authorization_request.state_of(values))

    def _asked_at(self, values: Mapping[str, str]) -> datetime:
        """Return when the person was first asked, by the word of the page that they come back from; or now."""
        now, told = self._parts.clock.now(), values.get(ASKED_AT, "")
        if not authorization_request.MOMENT.fullmatch(told):
            return now
        return min(now, EPOCH + timedelta(seconds=int(told)))

    async def _is_remembered(self, wish: Wish, session: Session) -> bool:
        p = self._parts
        return steps.is_remembered(wish, await p.grants.living(session.user_id), p.clock.now())

    async def _chosen(self, wish: Wish, session: Session, detail: Detail, credential_id: str) -> CredentialId:
        """Return the key that is chosen. Raises SentBack where there is none, Invalid for what is none of them."""
        keys = [key.id for key in await self._parts.keys.of(session.user_id, detail)]
        if not keys:
            told = "the signer has no key that can be used for this"
            raise SentBack(wish.back.with_error(Refused.ACCESS_DENIED, told))
        if not credential_id and len(keys) == 1:
            return keys[0]
        if credential_id not in keys:
            raise Invalid("the key is none of those to choose from")
        return CredentialId(credential_id)

    async def _decide(self, wish: Wish, decision: str) -> None:
        """Use up a pushed request. Raises RequestGone after another decision."""
        if wish.pushed is not None:
            await self._parts.pushed.decide(wish.pushed, decision)

    async def _open(self, wish: Wish, asks: OpenSigning) -> TransactionId:
        """Ask the phone. Raises SentBack with what speaks against it."""
        try:
            asked = await self._parts.signing.signatures.open(asks)
        except tuple(kind for kind, _ in REFUSALS) as fault:
            code = next(code for kind, code in REFUSALS if isinstance(fault, kind))
            raise SentBack(wish.back.with_error(code, fault.detail or fault.title)) from fault
        return asked.transaction.id if isinstance(asked, Details) else asked.id

    async def _begin(self, new: NewGrant, signature_id: TransactionId) -> GrantId:
        """Write the grant that waits, unless the same form has done so, and return its id."""
        try:
            return await self._parts.grants.begin(new)
        except IntegrityError:
            async with self._parts.database.read() as connection:
                return await awaiting_store.waiting_for(connection, signature_id)


def _granted(wish: Wish, session: Session) -> NewGrant:
    request = wish.request
    return NewGrant(
        client_id=request.client_id,
        user_id=session.user_id,
        session_id=session.id,
        scopes=request.scopes,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        authenticated_at=session.created_at,
        client_state=request.state,
        dpop_jkt=request.dpop_jkt,
    )


def _once(wish: Wish, decision: str) -> Idempotency:
    """Return what makes a form that is sent twice one request; nobody who does not know the form can use its name."""
    asked = canonical.encode([decision, wish.reached_by])
    text = hashlib.sha256(asked)
    return Idempotency(f"authorization-{text.hexdigest()}", text.digest())


def _by_name(client: Client, name: str) -> dict[str, str]:
    return {"client_id": client.id, "request_uri": name}


def _by_itself(values: Mapping[str, str], at: datetime, request: AuthorizationRequest) -> dict[str, str]:
    """Return the parameters of a request that is not pushed; with the time where the sign-in must be a fresh one."""
    since = {} if request.max_age is None else {ASKED_AT: str((at - EPOCH) // timedelta(seconds=1))}
    return {**authorization_request.known(values), **since}
