"""The authorization server's rules, one file for each RFC."""
