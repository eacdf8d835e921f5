"""Phones: enrolling them, knowing them again, showing them what is to be signed, and checking what they answer."""
