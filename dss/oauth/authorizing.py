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
from dss.infra import once
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
from dss.login.model import Session, Standing
from dss.oauth import authorization_request, awaiting_store, steps
from dss.oauth.authorization_errors import InvalidAuthorizationDetails, PageFault, Refused, RequestGone, SentBack
from dss.oauth.authorization_request import ASKED_AT, AuthorizationRequest, Query
from dss.oauth.awaiting import Awaiting, waiting_at
from dss.oauth.errors import InvalidRequest, UnauthorizedClient
from dss.oauth.grant import NewGrant
from dss.oauth.pushed import GONE, LONGEST_USE
from dss.oauth.rar import Detail
from dss.oauth.reading import Wish
from dss.oauth.redirects import WayBack
from dss.oauth.signers_keys import Key
from dss.oauth.steps import Step
from dss.transactions.model import Idempotency, OpenSigning
from dss.transactions.outcome import Details

# Longer than documents are prepared (24 h), the phone is waited for, and a confirmed signature is tried to be made.
LONGEST_WAIT = timedelta(hours=50)
REFUSALS_APART = timedelta(minutes=1)
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
        at = await self._parts.asked_at.read(asked.values) if pushed is None else pushed.at
        again = _by_name(client, name) if name else await self._by_itself(asked.values, at, request)
        return Wish(request, client, authorization_request.written(again), back, documents, at, pushed)

    async def next_step(self, wish: Wish, session: Session | None) -> Step:
        """Return what the person is asked next.

        Raises SentBack where the client wants nothing to be asked and something has to be, PageFault for a pushed
        request that was decided on, Tampered, HsmUnavailable.
        """
        if wish.pushed is not None and wish.pushed.decided:
            raise RequestGone(GONE)
        signed_in = steps.is_signed_in(wish, session)
        until = await self._remembered_until(wish, session) if session is not None and signed_in else None
        step = steps.next_step(wish, signed_in=signed_in, remembered=until is not None)
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
        nonce:         of the form: one that is sent twice asks the phone once, and gives one code while it is good.
        Raises SentBack with why it cannot be, Unauthenticated for a session that is not whole or too old, PageFault
        for a request or a form that was decided on before, Tampered, Unavailable.
        """
        if not steps.is_signed_in(wish, session):
            raise Unauthenticated("the person has to sign in first")
        detail = wish.request.detail
        key = None if detail is None else await self._chosen(wish, session, detail, credential_id)
        decision = f"allow {session.id} {key} {nonce}" if nonce else f"allow {self._parts.ids.new()}"
        await self._decide(wish, decision)
        if detail is None or key is None:
            return await self._with_code_once(wish, _granted(wish, session), session, nonce)
        signature_id = await self._open(wish, detail.wish(wish.client.id, key, browser, _once(wish, decision)))
        granted = replace(
            _granted(wish, session),
            details=(detail.enriched(key, signature_id),),
            signature_id=signature_id,
            expires_at=self._parts.clock.now() + LONGEST_WAIT,
        )
        return waiting_at(await self._begin(granted, signature_id))

    async def go_on(self, wish: Wish, session: Session) -> str:
        """Do what the signer allowed before, for no longer than that, and return where the browser goes.

        Raises Unauthenticated where they have to be asked by now, PageFault for a pushed request that was decided on.
        """
        until = await self._remembered_until(wish, session) if steps.is_signed_in(wish, session) else None
        if until is None:
            raise Unauthenticated("the person has to be asked")
        await self._decide(wish, f"go on {self._parts.ids.new()}")
        return await self._with_code_once(wish, replace(_granted(wish, session), rests_until=until), session)

    async def refuse(self, wish: Wish, session: Session | None = None) -> str:
        """Return where the browser goes after the person refused. Raises PageFault where it was decided before.

        Who has not signed in decides nothing, and nothing is noted of them; of others one refusal a minute is.
        """
        if session is not None and session.standing is Standing.FULL:
            await self._decide(wish, "refuse")
            await self._note_refusal(wish, session)
        return wish.back.with_error(Refused.ACCESS_DENIED, "the signer refused")

    async def _note_refusal(self, wish: Wish, session: Session) -> None:
        p, now = self._parts, self._parts.clock.now()
        told = {"scope": wish.request.scope}
        event = Event("authorization.refused", session.actor, f"client:{wish.client.id}", Outcome.REFUSED, told)
        minute = (now - EPOCH) // REFUSALS_APART
        async with p.database.write() as connection:
            if await once.use(connection, "refusal", f"{session.id} {minute}", now + REFUSALS_APART):
                await p.audit.record(connection, event)

    async def _with_code_once(self, wish: Wish, new: NewGrant, session: Session, nonce: str = "") -> str:
        """Return the way to the client with a code: one for a pushed request, and one for a form."""
        p = self._parts
        asked = f"{session.user_id} {nonce or p.ids.new()}" if wish.pushed is None else wish.pushed.id
        until = max(session.ends_at, p.clock.now() + LONGEST_USE)
        try:
            return wish.back.with_code(await p.grants.issue_once(new, asked, until))
        except Conflict as fault:
            raise RequestGone(GONE) from fault

    async def _client(self, values: Mapping[str, str]) -> Client:
        """Return the client; one that is unknown, suspended, or may not ask for codes looks alike. Raises PageFault."""
        try:
            client = await self._parts.clients.get(authorization_request.client_id_of(values))
            authorization_request.require_code_client(client)
        except (NotFound, Tampered, PageFault, UnauthorizedClient) as fault:
            raise PageFault(UNKNOWN) from fault
        if client.profile.suspended:
            raise PageFault(UNKNOWN)
        return client

    def _way_back(self, values: Mapping[str, str], client: Client) -> WayBack:
        try:
            uri = authorization_request.redirect_uri_of(values, client)
        except InvalidRequest as fault:
            raise PageFault(UNKNOWN) from fault
        return WayBack(self._parts.issuer.url, uri, authorization_request.state_of(values))

    async def _by_itself(
        self, values: Mapping[str, str], at: datetime, request: AuthorizationRequest
    ) -> dict[str, str]:
        """Return the parameters of a request that is not pushed; with the time where a sign-in must be a fresh one."""
        since = {} if request.max_age is None else {ASKED_AT: await self._parts.asked_at.written(values, at)}
        return {**authorization_request.known(values), **since}

    async def _remembered_until(self, wish: Wish, session: Session) -> datetime | None:
        p = self._parts
        return steps.remembered_until(wish, await p.grants.living(session.user_id), p.clock.now())

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
