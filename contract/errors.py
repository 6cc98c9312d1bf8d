"""What can be wrong with something that the parts of the project hand over to each other, in one line each."""


class ContractError(Exception):
    """Root of this package's errors; its text says what is wrong and what is accepted."""


class ManifestError(ContractError):
    """A manifest that is not of the schema that this version reads."""


class PreprocessingError(ContractError):
    """A preprocessing that cannot be read, or that does not fit the model's input."""


class PictureError(ContractError):
    """Bytes that are no picture, a damaged one, or one in a form that is not read."""


class LabelsError(ContractError):
    """A labels file that does not name each class once, one a line."""


class UrlError(ContractError):
    """A URL that cannot be fetched, or that would show a secret."""
