"""How signers sign in: their factors, their sessions, and what keeps others from guessing."""
