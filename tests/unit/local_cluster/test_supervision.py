import configparser
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from local_cluster.component import Component, Need
from local_cluster.errors import NotRunningError
from local_cluster.layout import Layout
from local_cluster.supervision import SupervisionError, Supervisor, configuration

PLAIN = Component(name="etcd", command=("/bin/etcd", "--dir=/a b", "--format=%H"), reads=())
LATE = Component(name="traefik", command=("/bin/t",), reads=(), environment=(("A", "1"),), needs=Need.DEFINITIONS)


def sections(layout: Layout) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(configuration(layout, [PLAIN, LATE]))
    return parser


def test_components_are_restarted_without_limit(layout: Layout) -> None:
    program = sections(layout)["program:etcd"]

    assert program["autorestart"] == "true"
    assert int(program["startretries"]) > 10**8


def test_commands_are_quoted_for_supervisord(layout: Layout) -> None:
    assert sections(layout)["program:etcd"]["command"] == "/bin/etcd '--dir=/a b' --format=%%H"


def test_a_component_with_needs_waits_to_be_started(layout: Layout) -> None:
    parser = sections(layout)

    assert parser["program:etcd"]["autostart"] == "true"
    assert parser["program:traefik"]["autostart"] == "false"


def test_a_components_section_names_its_environment_and_the_digest_of_what_it_reads(layout: Layout) -> None:
    assert sections(layout)["program:traefik"]["environment"] == f'A="1",CONFIGURATION_DIGEST="{LATE.digest()}"'


def test_only_the_owner_may_give_orders(layout: Layout) -> None:
    server = sections(layout)["unix_http_server"]

    assert server["chmod"] == "0600"
    assert server["file"] == str(layout.supervisor_socket)


def test_without_a_supervisor_the_cluster_is_not_running(layout: Layout) -> None:
    assert not Supervisor(layout).answers()
    with pytest.raises(NotRunningError, match="embedded-test is not running: `python -m local_cluster"):
        Supervisor(layout).states()
    assert Supervisor(layout).pid() is None


@pytest.fixture
def hung(layout: Layout) -> Iterator[socket.socket]:
    """A supervisor's socket that takes connections and never answers."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(layout.supervisor_socket))
        listener.listen(1)
        yield listener


@pytest.mark.usefixtures("hung")
def test_a_hung_supervisor_is_given_up(layout: Layout) -> None:
    supervisor = Supervisor(layout, answer_s=0.1)

    assert not supervisor.answers()
    with pytest.raises(SupervisionError, match=r"of embedded-test does not answer in .* s: `.* up` starts it anew"):
        supervisor.states()


@pytest.mark.usefixtures("hung")
def test_too_many_that_wait_for_a_hung_supervisor_are_no_other_error(layout: Layout) -> None:
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        for waiting in (first, second):
            waiting.connect(str(layout.supervisor_socket))

        with pytest.raises(SupervisionError, match="does not answer"):
            Supervisor(layout, answer_s=0.1).states()


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n", b"HTTP/1.0 200 OK\r\n\r\nnonsense"])
def test_what_is_no_answer_is_no_traceback(layout: Layout, hung: socket.socket, answer: bytes) -> None:
    def serve() -> None:
        with suppress(OSError):  # the socket is shut below
            while True:  # xmlrpc asks once more after an end without a word
                with hung.accept()[0] as connection:
                    connection.recv(4096)
                    connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises((SupervisionError, NotRunningError)):
        Supervisor(layout, answer_s=5).states()

    hung.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.usefixtures("hung")
def test_a_supervisors_process_is_known_even_if_it_hangs(layout: Layout) -> None:
    assert Supervisor(layout).pid() == os.getpid()
