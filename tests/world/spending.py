"""Spending an Activation as a node does: through the door, and on what is left to be signed."""

from dss.credentials.activation import Activation
from dss.wiring import Services


async def spend(services: Services, activation: Activation) -> tuple[bytes, ...]:
    """Return the signatures that an Activation gives. Raises as the door refuses."""
    signing = await services.credentials.begin(activation)
    return await services.credentials.sign(signing, signing.left)
