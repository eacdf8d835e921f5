"""Lists of documents as a person types them: indexes and ranges, `3,7-9`. Pure."""

import re
from collections.abc import Iterable

from mobile_mock.errors import BadInput

PART = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")  # as many digits as the index of any document needs


def read_ranges(texts: Iterable[str]) -> tuple[int, ...]:
    """Return the indexes that the texts name together, ascending, each once. Raises BadInput."""
    found: set[int] = set()
    for part in (part.strip() for text in texts for part in text.split(",")):
        match = PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise BadInput(f"{part!r} names no documents; write them as 3,7-9")
        found.update(range(first, last + 1))
    return tuple(sorted(found))
