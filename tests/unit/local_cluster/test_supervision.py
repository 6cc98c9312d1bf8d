import configparser

import pytest

from local_cluster.components import Component, Need
from local_cluster.errors import NotRunningError
from local_cluster.layout import Layout
from local_cluster.supervision import Supervisor, configuration

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
