"""All forgeries, in one book."""

from tests.referee import (
    forged_answers,
    forged_batches,
    forged_certificates,
    forged_channel,
    forged_content,
    forged_forms,
    forged_kept,
    forged_letters,
    forged_log,
    forged_sessions,
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
    forged_answers,
    forged_sessions,
    forged_batches,
)

__all__ = ["BOOK", "CHAPTERS"]
