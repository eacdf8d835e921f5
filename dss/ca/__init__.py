"""The certification authority: it issues certificates from profiles, revokes them, and publishes what it revoked."""
