"""What can go wrong before or while a server is asked, apart from a wrong answer."""


class SmokeTestError(Exception):
    """Root of this package's errors; its text is one line that a person can act on."""


class OptionError(SmokeTestError):
    """A command-line option, or a file that it names, can't be used."""


class NoAnswerError(SmokeTestError):
    """The server can't be connected to, closes the connection or stays silent past the timeout."""


class UntrustedError(NoAnswerError):
    """Whoever answers there cannot show that he is whom the URL names: of the server behind, that says nothing."""


class TurnedAwayError(SmokeTestError):
    """The door wants what was not brought, or has had enough: the server behind it was not asked."""


class BusyError(TurnedAwayError):
    """The door has had enough of this client's requests, for now."""


class BadAnswerError(SmokeTestError):
    """The server answered a good request with an error, or with something Triton would not send."""
