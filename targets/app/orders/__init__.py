"""The order service that every design serves."""

# Told by /health. A deploy of a new version changes this line.
VERSION = "1"
