"""What an auditor finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as the server left it.

    kind: one word for it, for programs. where: a leaf, a row, a checkpoint. told: a sentence, for people.
    """

    kind: str
    where: str
    told: str
