"""Mechanisms without meaning: database, wake-ups, files, replay guards, logs."""
