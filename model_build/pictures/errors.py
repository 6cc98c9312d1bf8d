"""What can go wrong with the pictures through a user's doing."""


class PictureError(Exception):
    """A picture cannot be rendered or read; its text is one line that says why and what to do."""
