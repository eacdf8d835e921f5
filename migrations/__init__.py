"""The database schema as numbered steps, run by `dss.infra.migrating` on SQLite and PostgreSQL alike."""
