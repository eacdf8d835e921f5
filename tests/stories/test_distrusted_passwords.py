"""A password that others knew opens nothing any more, nor does what it opened.

Source: docs/authorization.md section 7.
"""

import pytest

from dss.kernel.ids import ClientId, Ids, LoginId
from dss.oauth.grant import NewGrant
from tests.stories.pestering import Stage, shared_world, stage

__all__ = ["shared_world", "stage"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_applications_were_allowed_ends_with_a_password_that_others_knew(stage: Stage) -> None:
    services, alice = stage.world.services, stage.alice.user.id
    session, now = LoginId(Ids(services.clock).new()), services.clock.now()
    await services.grants.issue(NewGrant(ClientId(stage.shop.id), alice, session, ("service",), "", "", now))
    assert len(await services.grants.living(alice)) == 1

    await services.login.distrust(alice, "device:one")
    assert await services.grants.living(alice) == []
