"""How an answer counts: the counter that tells a clone, and the ladder of locks for wrong PINs. Pure.

Source: docs/device-protocol.md section 5; docs/adr/0009-a-late-answer-is-no-clone.md.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from dss.devices.model import Counted, Device, Limits, LockReason

WINDOW = 8


class Verdict(StrEnum):
    """What an answer came to; a wrong PIN is refused like everything else, also the one that locks."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Try:
    """An answer with a right signature, as it counts.

    fits:         every member, and the box, fit the request.
    secret_right: PIN, and the key's password where there is one; True where there was nothing to look at.
    confirms:     whether it is a confirmation.
    """

    counted: Counted
    fits: bool
    secret_right: bool
    confirms: bool


def count(device: Device, tried: Try, limits: Limits, now: datetime) -> tuple[Verdict, Device]:
    """Return what an answer comes to, and the phone after it: the same object where nothing changes.

    A counter that rises counts. One that was used by this very answer is its repetition; one that was overtaken on the
    way and never used is late: both are refused. One that another answer used, or that goes back behind the latest
    answers, tells that two phones hold the same keys.
    """
    counter = tried.counted.counter
    if counter > device.counter:
        risen = replace(device, counter=counter, recent=(*device.recent, tried.counted)[-WINDOW:])
        return _judged(risen, tried, limits, now)
    used = {known.counter: known.answer_sha256 for known in device.recent}
    repeated = used.get(counter) == tried.counted.answer_sha256
    late = counter not in used and counter > _oldest_known(device)
    if repeated or late:
        return Verdict.REFUSED, device
    return Verdict.LOCKED, device.locked(LockReason.CLONE)


def _judged(device: Device, tried: Try, limits: Limits, now: datetime) -> tuple[Verdict, Device]:
    if not tried.secret_right:
        return Verdict.REFUSED, _after_wrong_secret(device, limits, now)
    if not tried.fits:
        return Verdict.REFUSED, device
    return Verdict.ACCEPTED, device.unlocked() if tried.confirms else device


def _after_wrong_secret(device: Device, limits: Limits, now: datetime) -> Device:
    failed = replace(device, pin_failures=device.pin_failures + 1)
    rung, between = divmod(failed.pin_failures, limits.pin_attempts)
    if between:
        return failed
    ladder = limits.pin_ladder
    return failed.locked(LockReason.PIN, now + ladder[rung - 1] if rung <= len(ladder) else None)


def _oldest_known(device: Device) -> int:
    """Return the counter from which on every used one is known."""
    return device.recent[0].counter if len(device.recent) == WINDOW else 0
