"""A cloud signature server: keys in an HSM, every signature confirmed on the owner's phone."""
