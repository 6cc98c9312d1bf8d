"""What ``pulumi`` runs: read the configuration, declare the stack, export its outputs."""

import gc
import sys

import pulumi

from infra.config.from_pulumi import config_from_pulumi
from infra.errors import InfraError
from infra.program import outputs_from_config

_SHOWN_ALREADY = 32
"""Exit status that tells Pulumi's language host that the user has been told why."""


def main() -> None:
    """Declare the stack; a configuration with faults ends in one line for each."""
    gc.disable()  # in a run this short it frees nothing, and it would go through the SDK's classes again and again
    try:
        config = config_from_pulumi()
    except InfraError as error:
        for line in str(error).splitlines():
            pulumi.log.error(line)
        sys.exit(_SHOWN_ALREADY)
    for name, value in outputs_from_config(config).items():
        pulumi.export(name, value)


if __name__ == "__main__":
    main()
