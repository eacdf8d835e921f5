"""Clients: the relying applications that ask for signatures."""
