"""Work that nobody waits for: letters, certificates, lists of revoked ones, the passing of time."""
