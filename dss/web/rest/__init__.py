"""The API of relying applications, /v1."""
