"""The exit codes of `mobile-mock`, as its help and README list them."""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    REFUSED = 3
    DIFFERENCE = 4
    UNREACHABLE = 5
    NOTHING = 6
    STORE = 7
    FAILED = 8


MEANING = {
    Exit.DONE: "done",
    Exit.UNEXPECTED: "a fault of this program",
    Exit.USAGE: "the command line, the PIN, the code or the QR cannot be used",
    Exit.REFUSED: "the server refused",
    Exit.DIFFERENCE: "the phone refused what it was shown",
    Exit.UNREACHABLE: "the server cannot be reached",
    Exit.NOTHING: "nothing to do, or the time ran out",
    Exit.STORE: "the phone's store is absent, in use, unreadable or enrolled already",
    Exit.FAILED: "the answer was taken, but nothing came of it",
}
