"""What the requester's page shows: given by an option, or asked of the person."""

from dataclasses import dataclass
from pathlib import Path

import typer

from mobile_mock.errors import BadInput
from mobile_mock.verification import CHOOSE, COMPARE, Verification


@dataclass(frozen=True, slots=True)
class Page:
    """What the requester's page shows, as far as the request asks for it; differs: another code than the phone."""

    number: str | None = None
    differs: bool = False


def page(asked: Verification, code: str | None, number: str | None) -> Page:
    """Return what the page shows, asking the person for what no option gave.

    code, number: of the options. Raises BadInput on one that the request does not ask for.
    """
    if (code is not None and asked.mode != COMPARE) or (number is not None and asked.mode != CHOOSE):
        raise BadInput(f"this request is verified by mode {asked.mode}: it takes no such code or number")
    if asked.mode == COMPARE:
        same = code == asked.code if code is not None else _confirmed(asked.code)
        return Page(asked.code, differs=not same)
    if asked.mode == CHOOSE:
        return Page(number if number is not None else _chosen(asked))
    return Page()


def written_number(file: Path, transaction: str) -> str | None:
    """Return what a file says, in a line `ID N`, that the page of a transaction shows; None where it does not yet."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as fault:
        raise BadInput(f"{file} cannot be read") from fault
    told = [words[1] for words in map(str.split, lines) if len(words) == 2 and words[0] == transaction]
    return told[-1] if told else None


def _confirmed(code: str) -> bool:
    return typer.confirm(f"Does the requester's page show {code} too?", err=True)


def _chosen(asked: Verification) -> str:
    return str(typer.prompt(f"Which number does the requester's page show: {', '.join(asked.numbers)}", err=True))
