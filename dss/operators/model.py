"""What an operator proposed, and whether another may still agree."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dss.kernel.ids import ProposalId

OPEN_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an operator wants done and a second one must want too.

    action:      a word, as `resume`. subject: on what, as `kind:id`.
    proposed_by: the operator, as the audit log names it. approved_by: the second one; None until then.
    """

    id: ProposalId
    action: str
    subject: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    approved_by: str | None = None

    @classmethod
    def made(cls, id: ProposalId, action: str, subject: str, actor: str, now: datetime) -> "Proposal":
        """Return a proposal that is open from now on."""
        return cls(id, action, subject, actor, now, now + OPEN_FOR)

    def is_open(self, now: datetime) -> bool:
        """Return True while a second operator may agree."""
        return self.approved_by is None and now < self.expires_at

    def approved(self, actor: str) -> "Proposal":
        """Return the proposal as it is once another operator has agreed: used up."""
        return replace(self, approved_by=actor)
