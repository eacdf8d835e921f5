"""Holds an application against its OpenAPI document: the committed file, and random requests.

In a test module:

    later = Later()
    requests = random_requests(document, later)

    @pytest.fixture(scope="module", autouse=True)
    def server():
        later.app = ...         # an ASGI application; its lifespan begins with the first request

    @requests.parametrize()
    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    def test_random_requests_get_declared_answers_only(case):
        case.call_and_validate(headers=HEADERS)
"""

import difflib
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.config import (
    ChecksConfig,
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.schemas import BaseSchema
from starlette.types import ASGIApp, Receive, Scope, Send

from dss.web.http.openapi import to_yaml

SEED = 1

schemathesis.openapi.media_type("application/pdf", st.binary(max_size=2000).map(b"%PDF-1.7\n".__add__))


def assert_committed(committed: Path, document: dict[str, Any]) -> None:
    """Fail, showing the difference, unless the committed file is what the declarations generate."""
    generated = to_yaml(document)
    found = committed.read_text(encoding="utf-8") if committed.exists() else ""
    difference = difflib.unified_diff(
        found.splitlines(), generated.splitlines(), str(committed), "generated from the declarations", lineterm=""
    )
    assert found == generated, "\n".join(difference)


class Later:
    """Stands for an application that is made only after the requests to it are known."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on."""
        await self.app(scope, receive, send)


def random_requests(document: dict[str, Any], app: ASGIApp, *, systematic: bool = True) -> BaseSchema:
    """Return the document as a source of random requests to the application, the same ones on every run.

    systematic: with the borders of each value besides, one after another, right ones and wrong ones.
    A request that its schema allows may still be refused: base64, cursors and deceptive text are beyond JSON Schema.
    """
    checks = ChecksConfig(positive_data_acceptance=PositiveDataAcceptanceConfig(enabled=False))
    phases = PhasesConfig(coverage=CoveragePhaseConfig(enabled=systematic))
    project = ProjectConfig(generation=GenerationConfig(deterministic=True), checks=checks, phases=phases)
    config = SchemathesisConfig(seed=SEED, projects=ProjectsConfig(default=project))
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = app
    return schema
