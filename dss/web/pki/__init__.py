"""What relying parties fetch to check a certificate, for everybody to read."""
