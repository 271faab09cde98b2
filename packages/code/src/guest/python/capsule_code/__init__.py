"""What runs code inside a sandbox."""
