"""Talking to the server: calls with a proof of possession, and every failure as one of this phone's errors.

Source: docs/device-protocol.md section 3; RFC 9449 section 4, RFC 9457.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from joserfc.jwk import ECKey

from mobile_mock import jose
from mobile_mock.errors import Difference, Refused, Unreachable

TIMEOUT = 30.0  # seconds, beyond what a long poll asks for
LARGEST_JSON = 1024 * 1024  # bytes
NOTABLE_SKEW = timedelta(seconds=5)
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    path:  below the base URL. wait: seconds that the server may take. limit: bytes of the answer at most.
    """

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    wait: int = 0
    limit: int = LARGEST_JSON


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: httpx.Headers
    content: bytes


class Server:
    """A server as one phone sees it; key: the phone's signature key, None before it is enrolled."""

    def __init__(self, http: httpx.AsyncClient, base: str, key: ECKey | None, now: Clock) -> None:
        self.base = base
        self._http = http
        self._key = key
        self._now = now
        self._skew = timedelta(0)

    async def get(
        self, path: str, query: Mapping[str, str | int] | None = None, wait: int = 0, *, limit: int = LARGEST_JSON
    ) -> Any:
        """Return a JSON answer of at most so many bytes. Raises Refused, Unreachable or Difference."""
        return _json(await self._call(Call("GET", path, query or {}, wait=wait, limit=limit)))

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send JSON, or nothing, and return a JSON answer. Raises Refused, Unreachable or Difference."""
        return _json(await self._call(Call("POST", path, body=body)))

    async def download(self, path: str, limit: int) -> bytes:
        """Return a file of at most so many bytes. Raises Refused, Unreachable or Difference."""
        return (await self._call(Call("GET", path, limit=limit))).content

    async def ask(self, path: str, query: Mapping[str, str | int], limit: int) -> Reply:
        """Return an answer as it came, also one that there is nothing yet. Raises as `download`."""
        return await self._call(Call("GET", path, query, limit=limit))

    async def _call(self, call: Call) -> Reply:
        reply = await self._send(call)
        if self._blames_clock(reply):
            reply = await self._send(call)
        if not 200 <= reply.status < 300:
            raise _refusal(reply)
        return reply

    async def _send(self, call: Call) -> Reply:
        try:
            async with self._http.stream(
                call.method,
                self.base + call.path,
                params=call.query or None,
                json=call.body,
                headers=self._proof(call),
                timeout=TIMEOUT + call.wait,
                follow_redirects=False,
            ) as response:
                return Reply(response.status_code, response.headers, await _content(response, call.limit))
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise Unreachable(f"{self.base} cannot be reached: {type(fault).__name__}") from fault

    def _proof(self, call: Call) -> dict[str, str]:
        if self._key is None:
            return {}
        claims = {
            "htm": call.method,
            "htu": self.base + call.path,
            "iat": int((self._now() + self._skew).timestamp()),
            "jti": secrets.token_urlsafe(24),
        }
        return {"DPoP": jose.write_jws("dpop+jwt", claims, self._key)}

    def _blames_clock(self, reply: Reply) -> bool:
        # The server's time serves for proofs alone; what is shown is judged by the phone's own clock.
        if reply.status != 401 or "invalid_dpop_proof" not in reply.headers.get("WWW-Authenticate", ""):
            return False
        try:
            told = parsedate_to_datetime(reply.headers.get("Date", "")).astimezone(UTC)
        except ValueError:
            return False
        before, self._skew = self._skew, told - self._now()
        return abs(self._skew - before) > NOTABLE_SKEW


async def _content(response: httpx.Response, limit: int) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > limit:
            raise Difference(f"the server sends more than the {limit} bytes it may")
    return bytes(content)


def _json(reply: Reply) -> Any:
    try:
        return json.loads(reply.content)
    except (ValueError, RecursionError) as fault:
        raise Difference("the server's answer is not JSON") from fault


def _refusal(reply: Reply) -> Refused:
    try:
        problem = json.loads(reply.content)
    except (ValueError, RecursionError):
        problem = None
    if not isinstance(problem, dict):
        return Refused(reply.status)
    reason = str(problem.get("type", "")).rpartition(":")[2]
    return Refused(reply.status, reason, str(problem.get("detail") or problem.get("title") or ""))
