"""What a user can cause while the tools are found, built or installed."""


class ToolsError(Exception):
    """Root of this folder's errors; its text is one line that says what is wrong and what mends it."""


class CatalogueError(ToolsError):
    """`programs.toml` or a `go.mod` does not say what it must say."""


class ToolchainError(ToolsError):
    """The Go toolchain is missing or too old."""


class DiskSpaceError(ToolsError):
    """The disk that holds the cache has not enough room for a build."""


class BuildError(ToolsError):
    """A build has failed.

    Args:
        text: the one line.
        output: the last lines of what failed, to be shown above it.
    """

    def __init__(self, text: str, output: str = "") -> None:
        super().__init__(text)
        self.output = output


class PackagesError(ToolsError):
    """Debian packages are missing and cannot be installed."""


class PackageUnavailableError(ToolsError):
    """A prebuilt program is not to be had from its registry, so that the next way is taken."""


class PackageHashError(ToolsError):
    """A registry serves something else under a pinned name: nothing else is tried."""
