"""Users: the people whose keys sign."""
