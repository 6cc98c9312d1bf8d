"""What a user can cause while the engine asks for a program."""

from tools.errors import ToolsError


class LanguageHostError(ToolsError):
    """Root of the language host's errors; the engine shows its text to the user."""


class RuntimeOptionError(LanguageHostError):
    """An option under `runtime` in Pulumi.yaml that this language host does not know."""


class InterpreterError(LanguageHostError):
    """The program's Python is missing or does not answer."""
