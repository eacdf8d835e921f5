"""The authorization server over HTTP: token endpoint, metadata, public keys."""
