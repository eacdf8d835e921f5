"""The phone in a terminal: a second implementation of docs/device-protocol.md that shares no code with the server."""
