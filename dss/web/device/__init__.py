"""The API of phones, /device/v1: docs/device-protocol.md."""
