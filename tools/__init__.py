"""The programs that a machine may lack."""

import sys

_OLDEST_PYTHON = (3, 11)

if sys.version_info < _OLDEST_PYTHON:  # here, because what follows could not even be imported
    sys.exit(
        f"error: python3 is {'.'.join(map(str, sys.version_info[:3]))}; accepted: 3.11 and newer; "
        "install one and name it: make PYTHON=python3.12 up"
    )
