"""The commands of `mobile-mock`, a file for each kind of verb."""
