"""What keeps the log and works on it."""

from dataclasses import dataclass

from dss.audit.exporting import Exporting
from dss.audit.log import Log
from dss.audit.note import COSIGNATURE, VerifierKey
from dss.audit.passing import Passing
from dss.audit.policy import Policy
from dss.audit.retention import Retention
from dss.audit.sealer import Sealer
from dss.kernel.errors import BadRequest, Invalid
from dss.settings import Settings
from dss.transactions.auditing import Auditing
from dss.transactions.retiring import Retiring
from dss.transactions.searching import Searching
from dss.wiring.capabilities import Ground
from dss.wiring.kinds import KINDS

LONGEST_WITNESS = 255


@dataclass(frozen=True)
class Records:
    """What seals, proves, searches, hands on and deletes what is told."""

    log: Log
    sealer: Sealer
    auditing: Auditing
    exporting: Exporting
    searching: Searching
    retiring: Retiring
    passing: Passing


def records_of(ground: Ground) -> Records:
    """Return what works on the log."""
    g, s = ground, ground.settings
    origin, witnesses = s.log_origin, witnesses_of(s)
    policy = Policy(origin, s.audit_years, witnesses)
    retention = Retention(g.database, g.tokens.service, g.audit, g.clock, policy)
    return Records(
        log=Log(g.database, g.tokens.service, g.clock, origin, witnesses),
        sealer=Sealer(g.database, g.tokens.service, g.audit, g.clock, origin),
        auditing=Auditing(g.database, g.tokens.service, g.clock, policy, KINDS),
        exporting=Exporting(g.database, g.tokens.service, g.audit, g.clock, policy),
        searching=Searching(g.database),
        retiring=Retiring(g.database, g.audit, retention),
        passing=Passing(g.database, retention, KINDS),
    )


def witnesses_of(settings: Settings) -> list[VerifierKey]:
    """Return the witnesses that the operator names. Raises Invalid for a file that cannot be read as their keys."""
    if settings.witnesses is None:
        return []
    try:
        lines = settings.witnesses.read_text().splitlines()
        keys = [VerifierKey.read(line.strip()) for line in lines if line.strip()]
    except (OSError, UnicodeDecodeError, BadRequest) as fault:
        raise Invalid(f"DSS_WITNESSES: {settings.witnesses} is not a file with one verifier key a line") from fault
    if any(key.type != COSIGNATURE or len(key.name) > LONGEST_WITNESS for key in keys):
        raise Invalid(f"DSS_WITNESSES: a key is of type 4 (cosignature/v1), its name of {LONGEST_WITNESS} at most")
    return keys
