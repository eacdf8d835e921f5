"""The page on which a person waits for their phone, for relying applications that have none of their own."""
