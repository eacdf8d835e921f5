"""Runs the steps on the connection that `dss.infra.migrating` opened: its transaction is the only one."""

from alembic import context

from dss.infra.schema import metadata

# The catalogue gives its naming convention only: a step writes out its own tables, as they were at its time.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
