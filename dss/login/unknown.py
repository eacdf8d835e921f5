"""Logins that nobody has: what is counted of them fills no table, and looks like what is counted of signers.

They are sorted into a fixed number of ways. Which one is a login's, only the HSM tells: who could compute it would
close the way by one login, and see by another whether it has that way or one of its own.
"""

from dss.hsm.stamps import Stamps
from dss.login.tries import way_of

LABEL = "dss/unknown-login/v1"
BYTES = 2  # so 65,536 ways


async def way_of_unknown(stamps: Stamps, login: str) -> str:
    """Return what stands for a login, should nobody have it. Raises HsmUnavailable."""
    code = await stamps.mac(LABEL, way_of("unknown", login).hex())
    return code[:BYTES].hex()
