"""The heart: what was asked, what was shown, what was answered, what was released."""
