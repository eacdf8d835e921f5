"""Documents: kept as they came, prepared for a signature, completed with it, and verified before release."""
