"""Evidence: what proves a confirmation, and the signatures made by it, to a stranger."""
