"""All forgeries, in one book."""

from tests.referee import (
    forged_certificates,
    forged_channel,
    forged_content,
    forged_forms,
    forged_kept,
    forged_letters,
    forged_log,
    forged_signatures,
)
from tests.referee.mutations import BOOK

CHAPTERS = (
    forged_log,
    forged_kept,
    forged_letters,
    forged_channel,
    forged_content,
    forged_forms,
    forged_signatures,
    forged_certificates,
)

__all__ = ["BOOK", "CHAPTERS"]
