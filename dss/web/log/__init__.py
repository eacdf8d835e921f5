"""The transparency log over HTTP, for everybody to read: docs/transparency-log.md."""
