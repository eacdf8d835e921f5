"""Letters whose printed page takes servers and their readers no time."""

import os
from collections.abc import Iterator

import pytest

from dss.notify.printing import Sheet

PRINTED_IN_EARNEST = Sheet.pdf
# Not a PDF: to those who read the letter, an attached text without a picture. They take the QR from its PNG.
BLANK = b"Content-Type: text/plain\n\nprinted in earnest elsewhere\n"


@pytest.fixture(scope="session", autouse=True)
def _quick_letters() -> Iterator[None]:
    """Let servers print no page: in earnest each signer of a story takes a sixth of its time to print and read one.

    With DSS_SOAK=1 all tests print; tests/unit/test_letters.py and the stories of real server processes always do.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("DSS_SOAK"):
            patch.setattr(Sheet, "pdf", lambda _: BLANK)
        yield


@pytest.fixture
def printed_in_earnest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers print the page."""
    monkeypatch.setattr(Sheet, "pdf", PRINTED_IN_EARNEST)
