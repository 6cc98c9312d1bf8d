"""Clients' keys in a stack's own file: one is made and said once, one is dropped."""

import secrets
import sys

from deploy.configuration import pulumi_path, require_stack_name, values_as_pulumi_reads
from deploy.environment import deployment_environment, ensure_tools
from deploy.errors import DeployError
from deploy.pulumi.stack import PulumiStack
from infra.config import CLIENTS, PROJECT, clients_of, document_from_file, file_name, is_sealed, value_from_text
from infra.config.clients import ACCEPTED_NAME, client_of, is_client_name, names_of
from infra.errors import InfraError
from infra.images import REPOSITORY

_KEY_BYTES = 32
_GROUP = f"{PROJECT}:{CLIENTS.partition('.')[0]}"


def change_clients(stack: str, *, add: str = "", drop: str = "") -> None:
    """Give a client a key, its second one where it has one, and print it; or take one away.

    Args:
        stack: its name.
        add: the client's name.
        drop: the name of the key: the client's, or with `.next`.

    Raises:
        DeployError: it can't be; in one line.
    """
    require_stack_name(stack)
    if bool(add) == bool(drop):
        raise DeployError(f"make client wants one of ADD and DROP; make client ADD=name STACK={stack}")
    config_file = REPOSITORY / file_name(stack)
    document_from_file(config_file)  # before anything is installed
    clients = Clients(PulumiStack(name=stack, config_file=config_file, environment=_environment()))
    if add:
        print(clients.add(add))  # noqa: T201 - the one time that it is said
    else:
        clients.drop(drop)
    print(f"next: make up STACK={stack}", file=sys.stderr)  # noqa: T201 - what the user has to know


class Clients:
    """The clients of a stack.

    Args:
        stack: whose.
    """

    def __init__(self, stack: PulumiStack) -> None:
        self._stack = stack

    def add(self, client: str) -> str:
        """Make a key for a client and keep it in the stack's file, encrypted.

        Raises:
            DeployError: it is no client's name, or has two keys.
        """
        if not is_client_name(client) or client_of(client) != client:
            raise DeployError(
                f"ADD is {client!r}; accepted: {ACCEPTED_NAME.partition(';')[0]}; a client's second key gets its name "
                f"by itself; make client ADD=name STACK={self._stack.name}"
            )
        self._stack.initialise()
        written = self._written()
        taken = {name for name in self._known() if name not in written or is_sealed(written[name])}
        free = [name for name in names_of(client) if name not in taken]
        if not free:
            first, second = names_of(client)
            raise DeployError(
                f"{first} and {second} have keys; accepted: two keys a client; drop the one that {client} uses no more:"
                f" make client DROP={first} STACK={self._stack.name}, or DROP={second}"
            )
        name = min(free, key=lambda name: name not in written)  # one that stands there openly is replaced
        key = secrets.token_urlsafe(_KEY_BYTES)
        self._stack.set_secret(self._stack.config_file, pulumi_path(f"{CLIENTS}.{name}"), key)
        print(f"{name}: a key in {self._stack.config_file.name}, said here and never again", file=sys.stderr)  # noqa: T201 - what the user has to know
        return key

    def drop(self, name: str) -> None:
        """Take a key out of the stack's file, and say so where it was the last: a door without keys is open.

        Raises:
            DeployError: it is not there.
        """
        written = self._written()
        if name not in written:
            there = ", ".join(sorted(written)) or "none yet"
            raise DeployError(
                f"DROP is {name!r}, and {self._stack.config_file.name} has no such key; accepted: {there}; "
                f"make client ADD=name STACK={self._stack.name}"
            )
        self._stack.initialise()
        is_last = self._is_last(name)
        self._stack.set_secret(self._stack.config_file, pulumi_path(f"{CLIENTS}.{name}"), None)
        if is_last:
            said = f"{name} was the last one with a key: from the next make up on everybody may ask"
            print(f"{said}; make client ADD=name STACK={self._stack.name}", file=sys.stderr)  # noqa: T201 - what the user has to know

    def _is_last(self, name: str) -> bool:
        """Whether nobody else has a key, a base's clients included; what is wrong in the file keeps no key in it."""
        try:
            return {*clients_of(values_as_pulumi_reads(self._stack).values)} == {name}
        except (DeployError, InfraError):
            return False

    def _written(self) -> dict[str, object]:
        """The keys of the stack's own file, by their names."""
        return clients_of(document_from_file(self._stack.config_file).get("config") or {})

    def _known(self) -> set[str]:
        """The names of all keys, those of an environment included."""
        entry = self._stack.config().get(_GROUP)
        return {*clients_of({_GROUP: value_from_text(entry["value"])})} if entry else set()


def _environment() -> dict[str, str]:
    return deployment_environment(ensure_tools(embedded=False))
