"""In which language a page is: what was asked for, then the signer's own, then what the browser prefers."""

import re
from collections.abc import Iterable

from dss.notify.model import LOCALES

# Weights have three digits at most (RFC 9110 section 12.4.2).
RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9]{1,8})*\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*")
MOST_RANGES = 20


def chosen(asked: Iterable[str], own: str, accepted: str) -> str:
    """Return one of LOCALES.

    asked: lists of tags with spaces between, the most wanted first (OpenID Connect Core section 3.1.2.1, ui_locales).
    own: the signer's language, or empty. accepted: the header Accept-Language, or empty (RFC 9110 section 12.5.4).
    """
    tags = [tag for text in asked for tag in text.split()]
    for tag in (*tags, own, *_preferred(accepted)):
        primary = tag.partition("-")[0].lower()
        if primary in LOCALES:
            return primary
    return LOCALES[0]


def _preferred(accepted: str) -> list[str]:
    found = (RANGE.fullmatch(part) for part in accepted.split(",")[:MOST_RANGES])
    weighed = [(float(match[2] or 1), match[1]) for match in found if match]
    return [tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]
