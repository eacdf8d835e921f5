"""The pages on which signers sign in, and look after their own account."""
