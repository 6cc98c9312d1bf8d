"""The project's own images: built as archives, and pushed to a registry."""
