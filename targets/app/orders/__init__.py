"""The order service that every design serves."""
