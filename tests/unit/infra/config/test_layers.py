"""Where values come from: the stack's file, its base, the project's defaults; and which of them are secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from infra.config import (
    REPOSITORY,
    StackValues,
    config_from_stack_values,
    config_from_yaml,
    file_name,
    hidden,
    is_plain,
    laid_over,
    value_at_key,
    values_in_layers,
    with_value_at_key,
)
from infra.config.faults import StackFile
from infra.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

BASE = "densenet-triton:base"
MODEL = "densenet-triton:model"
SERVING = "densenet-triton:serving"
ENDPOINT = "densenet-triton:endpoint"
SEALED = {"secure": "v1:abc"}
SET = "in Pulumi.x.yaml set densenet-triton:base: base"
REMOVE = "remove densenet-triton:base from Pulumi.x.yaml"


class Project:
    """A folder with stacks' files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, stack: str, values: dict[str, Any], **more: Any) -> Path:
        path = self.folder / f"Pulumi.{stack}.yaml"
        path.write_text(yaml.safe_dump({"config": values, **more}), encoding="utf-8")
        return path

    def defaults(self, values: dict[str, Any]) -> None:
        document = {"name": "p", "config": {key: {"value": value} for key, value in values.items()}}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")

    def read(self, values: dict[str, Any], stack: str = "x", *, secret: tuple[str, ...] = ()) -> StackValues:
        """As the program and `make` do with what Pulumi has read."""
        path = self.folder / f"Pulumi.{stack}.yaml"
        return values_in_layers(values, path, secret_keys=secret, folder=self.folder)

    def fault(self, values: dict[str, Any], *, secret: tuple[str, ...] = ()) -> str:
        with pytest.raises(ConfigError) as caught:
            self.read(values, secret=secret)
        (line,) = caught.value.lines
        return line


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_values_are_laid_over_others_key_by_key_and_a_group_of_another_kind_whole() -> None:
    under = {"a": {"kind": "one", "x": 1, "in": {"y": 2, "z": 3}}, "b": {"kind": "one", "x": 1}, "c": 1}
    over = {"a": {"in": {"y": 4}}, "b": {"kind": "two"}, "d": [1]}

    assert laid_over(over, under) == {
        "a": {"kind": "one", "x": 1, "in": {"y": 4, "z": 3}},
        "b": {"kind": "two"},
        "c": 1,
        "d": [1],
    }


def test_nothing_over_something_takes_it_away_and_its_default_is_back(
    dev_values: dict[str, Any], project: Project
) -> None:
    project.file("base", dev_values)
    values = {BASE: "base", "densenet-triton:gate": None, SERVING: {"httpPort": None}}

    found = config_from_stack_values(project.read(values))

    assert (found.gate.pause_s, found.serving.http_port, found.serving.startup_timeout_s) == (60, 8080, 60)


def test_a_stack_says_only_what_differs_from_its_base(project: Project) -> None:
    project.file("base", {SERVING: {"replicas": 1, "image": "triton-cpu"}, "aws:region": "there"})
    project.file("x", own := {BASE: "base", SERVING: {"replicas": 2}})

    found = project.read(own)

    assert found.values == {SERVING: {"replicas": 2, "image": "triton-cpu"}, "aws:region": "there"}
    assert found.file.setting("serving.image", "i") == "in Pulumi.base.yaml set serving.image: i"
    assert found.file.setting("serving.replicas", 3) == "in Pulumi.x.yaml set serving.replicas: 3"
    assert found.file.removing("serving.other") == "remove serving.other from Pulumi.x.yaml"


def test_a_fault_is_mended_in_the_file_where_it_stands(dev_values: dict[str, Any], project: Project) -> None:
    dev_values[SERVING]["replicas"] = 0
    dev_values["densenet-triton:gate"] = {"pause": 3}
    project.file("base", dev_values)

    with pytest.raises(ConfigError) as caught:
        config_from_stack_values(project.read({BASE: "base"}))

    assert [line.partition(":")[0] for line in caught.value.lines] == ["Pulumi.base.yaml"] * 2
    assert caught.value.lines[0].endswith("; mend: in Pulumi.base.yaml set serving.replicas: 1")
    assert caught.value.lines[1].endswith("; mend: remove gate.pause from Pulumi.base.yaml")


@pytest.mark.parametrize(
    ("own", "key", "edit"),
    [
        (
            {"densenet-triton:endpoint": {"gateway": {"name": "a", "namespace": "b", "section": "c"}, "port": None}},
            "endpoint.gatewayClass",
            "set endpoint.gatewayClass: null",
        ),
        ({SERVING: {"startupTimeoutS": 300}}, "serving.rolloutTimeoutS", "set serving.rolloutTimeoutS: 630"),
    ],
)
def test_a_base_that_is_right_by_itself_is_left_alone(
    dev_values: dict[str, Any], project: Project, own: dict[str, Any], key: str, edit: str
) -> None:
    project.file("base", dev_values)

    with pytest.raises(ConfigError) as caught:
        config_from_stack_values(project.read({BASE: "base", **own}))

    (line,) = caught.value.lines
    assert line.startswith(f"Pulumi.base.yaml: densenet-triton:{key} is ")
    assert line.endswith(f"; mend: in Pulumi.x.yaml {edit}")


def test_a_group_that_stands_in_the_base_alone_is_mended_there(dev_values: dict[str, Any], project: Project) -> None:
    project.file("base", dev_values | {"densenet-triton:servin": {"replicas": 2}})

    with pytest.raises(ConfigError) as caught:
        config_from_stack_values(project.read({BASE: "base"}))

    (line,) = caught.value.lines
    assert line.startswith("Pulumi.base.yaml: densenet-triton:servin is not a key")
    assert line.endswith("; mend: remove densenet-triton:servin from Pulumi.base.yaml")


def test_a_stacks_file_is_over_its_base_and_that_over_the_projects_defaults(project: Project) -> None:
    project.defaults({SERVING: {"replicas": 7}, "gate": {"pauseS": 7}, "other:key": 7})
    project.file("base", {SERVING: {"image": "triton-cpu"}})
    project.file("x", {BASE: "base"})
    as_pulumi_reads = {BASE: "base", SERVING: {"replicas": 7}, "densenet-triton:gate": {"pauseS": 7}, "other:key": 7}

    found = project.read(as_pulumi_reads)

    assert found.values[SERVING] == {"image": "triton-cpu"}
    assert found.values["densenet-triton:gate"] == {"pauseS": 7}
    assert found.file.setting("gate.pauseS", 1) == "in Pulumi.yaml set gate.pauseS: 1"


@pytest.mark.parametrize(
    ("base", "found", "mend"),
    [
        (
            "nobody",
            'is "nobody", and there is no Pulumi.nobody.yaml',
            "in Pulumi.x.yaml set densenet-triton:base: base",
        ),
        ("x", "is the stack itself", SET),
        ("../x", 'is "../x", and a file has a stack\'s last name alone', SET),
        (
            "acme/p/chain",
            'is "acme/p/chain", and a file has a stack\'s last name alone',
            "in Pulumi.x.yaml set densenet-triton:base: chain",
        ),
        ("chain", "is chain, whose file names a base itself", SET),
        ("ring", "is ring, whose file names a base itself", REMOVE),
        (
            "sealed",
            "is sealed, whose file has secure: or environment:",
            "remove densenet-triton:base from Pulumi.x.yaml",
        ),
        ("esc", "is esc, whose file has secure: or environment:", REMOVE),
    ],
)
def test_what_can_be_no_base_is_said_in_one_line(project: Project, base: str, found: str, mend: str) -> None:
    project.file("base", {})
    project.file("chain", {BASE: "base"})
    project.file("ring", {BASE: "x"})
    project.file("sealed", {MODEL: {"source": {"url": SEALED}}})
    project.file("esc", {}, environment=["team/prod"])
    project.file("x", own := {BASE: base})

    line = project.fault(own)

    assert line.startswith(f"Pulumi.x.yaml: densenet-triton:base {found}; accepted: ")
    assert line.endswith(f"; mend: {mend}")


def test_the_committed_stack_with_a_base_says_only_what_differs() -> None:
    base, found = (config_from_yaml(REPOSITORY / f"Pulumi.{stack}.yaml") for stack in ("h800", "h800-patched"))

    assert (found.storage, found.endpoint, found.model.source, found.model.expect) == (
        base.storage,
        base.endpoint,
        base.model.source,
        base.model.expect,
    )
    assert (found.cluster.namespace, found.node_pool.spare_gpus, found.serving.replicas) == (
        "triton-h800-patched",
        1,
        2,
    )
    assert (found.model.precision, found.model.max_batch_size, found.serving.accept_vulnerable_release) == (
        "fp16",
        64,
        None,
    )


@pytest.mark.parametrize(
    ("values", "more", "plain"),
    [
        ({SERVING: {"replicas": 1}}, {}, True),
        ({BASE: "base"}, {"encryptionsalt": "v1:salt"}, True),
        ({MODEL: {"source": {"url": SEALED}}}, {}, False),
        ({MODEL: {"expect": {"also": [{"image": {"url": SEALED}}]}}}, {}, False),
        ({}, {"environment": ["team/prod"]}, False),
    ],
)
def test_a_file_is_plain_where_it_says_by_itself_what_the_values_are(
    project: Project, values: dict[str, Any], more: dict[str, Any], *, plain: bool
) -> None:
    assert is_plain({"config": values, **more}, folder=project.folder) is plain
    project.defaults({"gate": {"pauseS": 7}})
    assert not is_plain({"config": values, **more}, folder=project.folder)


def secret_model(url: str = "https://h/m?sig=abcdef") -> dict[str, Any]:
    return {MODEL: {"name": "m", "source": {"kind": "onnx", "url": url}}}


def test_a_secret_is_known_by_its_key(project: Project) -> None:
    project.file("x", {MODEL: {"name": "m", "source": {"kind": "onnx", "url": SEALED}}})
    assert project.read(secret_model(), secret=(MODEL,)).secrets == ("model.source.url",)


def test_of_a_group_from_an_environment_the_url_is_taken_for_the_secret(project: Project) -> None:
    project.file("x", {}, environment=["team/prod"])
    assert project.read(secret_model(), secret=(MODEL,)).secrets == ("model.source.url",)


def clients(*names: str, key: object = "k" * 40) -> dict[str, Any]:
    return {ENDPOINT: {"clients": dict.fromkeys(names, key)}}


def test_each_clients_key_is_a_secret_and_a_second_one_has_a_dot(project: Project) -> None:
    project.file("x", clients("alice", "alice.next", key=SEALED))
    found = project.read(clients("alice", "alice.next"), secret=(ENDPOINT,))
    assert found.secrets == ("endpoint.clients.alice", "endpoint.clients.alice.next")
    assert value_at_key(found.values, "endpoint.clients.alice.next") == "k" * 40
    left = with_value_at_key(found.values, "endpoint.clients.alice.next", None)
    assert left == clients("alice")
    assert hidden(f"says {'k' * 40}") == "says [secret]"


def test_a_key_beside_sealed_ones_is_not_sealed_by_them(project: Project) -> None:
    project.file("x", {ENDPOINT: {"clients": {"alice": SEALED, "bob": "b" * 40}}})
    found = project.read({ENDPOINT: {"clients": {"alice": "a" * 40, "bob": "b" * 40}}}, secret=(ENDPOINT,))
    assert found.secrets == ("endpoint.clients.alice",)


def test_keys_from_an_environment_are_secret_and_those_of_a_base_are_not(project: Project) -> None:
    project.file("x", {}, environment=["team/prod"])
    assert project.read(clients("alice"), secret=(ENDPOINT,)).secrets == ("endpoint.clients.alice",)
    project.file("base", clients("bob"))
    values = clients("alice") | {BASE: "base"}
    assert project.read(values, secret=(ENDPOINT,)).secrets == ("endpoint.clients.alice",)
    assert project.read({BASE: "base"}).secrets == ()


def test_what_yaml_takes_for_another_type_is_a_secret_by_its_name_too(project: Project) -> None:
    project.file("x", {ENDPOINT: {"clients": {True: SEALED, 7: SEALED}}})
    assert project.read(clients("on", "7"), secret=(ENDPOINT,)).secrets == (
        "endpoint.clients.7",
        "endpoint.clients.on",
    )


def test_taking_away_what_is_not_there_adds_nothing() -> None:
    assert with_value_at_key({MODEL: {"name": "m"}}, "endpoint.clients", None) == {MODEL: {"name": "m"}}


@pytest.mark.parametrize(
    ("values", "more", "key"),
    [
        ({ENDPOINT: {"clients": SEALED}}, {}, "endpoint.clients"),
        ({ENDPOINT: SEALED}, {}, "endpoint"),
        ({ENDPOINT: {"hostname": SEALED}}, {}, "endpoint.hostname"),
        ({MODEL: {"expect": {"image": {"url": SEALED}}, "source": {"url": SEALED}}}, {}, "model.expect.image.url"),
        ({SERVING: {"environment": {"TOKEN": SEALED}}}, {}, "serving.environment.TOKEN"),
        ({SERVING: SEALED}, {}, "serving"),
        ({}, {"environment": ["team/prod"]}, "serving"),
    ],
)
def test_a_secret_that_everybody_would_see_is_refused_and_not_shown(
    project: Project, values: dict[str, Any], more: dict[str, Any], key: str
) -> None:
    project.file("x", values, **more)
    decrypted = secret_model() | {SERVING: {"environment": {"TOKEN": "geheim"}}}
    groups = [MODEL, SERVING] if SERVING in values or more else [MODEL]
    secret = (ENDPOINT,) if ENDPOINT in values else tuple(groups)

    line = project.fault(decrypted, secret=secret)

    assert line.startswith(f"Pulumi.x.yaml: densenet-triton:{key} is a secret, and everybody")
    assert "accepted: a secret in model.source.url, endpoint.clients;" in line
    assert f"--plaintext 'densenet-triton:{key}' VALUE --stack x" in line
    assert "geheim" not in line


@pytest.mark.parametrize(
    "url",
    [
        "http://h/geheim?sig=geheim",
        "ftp://user:geheim@h/m",
        "file:///no/geh%20eim/m.onnx",
        " geheim ",
        "geh\neim",
        f"file:///no/geheim/{'x' * 99}",
    ],
)
def test_no_fault_shows_a_secret(dev_values: dict[str, Any], project: Project, url: str) -> None:
    dev_values[MODEL]["source"] = {"kind": "onnx", "url": url, "sha256": "a" * 64}
    project.file("x", with_value_at_key(dev_values, "model.source.url", SEALED))

    with pytest.raises(ConfigError) as caught:
        config_from_stack_values(project.read(dev_values, secret=(MODEL,)))

    text = str(caught.value)
    assert "densenet-triton:model.source.url" in text
    assert not any(part in text for part in ("geheim", "geh eim", "geh%20eim"))


def test_a_group_that_is_none_does_not_show_the_secret_in_it(dev_values: dict[str, Any], project: Project) -> None:
    dev_values[MODEL]["source"] = {"kind": "s3", "url": "https://h/verborgen?sig=1", "sha256": "a" * 64}
    project.file("x", with_value_at_key(dev_values, "model.source.url", SEALED))

    with pytest.raises(ConfigError) as caught:
        config_from_stack_values(project.read(dev_values, secret=(MODEL,)))

    assert "verborgen" not in str(caught.value)


@pytest.mark.parametrize(
    ("stack", "name"), [("dev", "Pulumi.dev.yaml"), ("acme/prod", "Pulumi.prod.yaml"), ("a/p/prod", "Pulumi.prod.yaml")]
)
def test_a_stacks_file_has_its_last_name(stack: str, name: str) -> None:
    assert file_name(stack) == name
    assert StackFile(stack=name.split(".")[1]).name == name
