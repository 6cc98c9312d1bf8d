import pytest

from deploy.errors import DeployError
from deploy.target import Target


def test_a_whole_name_means_the_file_of_its_last_part() -> None:
    target = Target("acme/densenet-triton/dev")

    assert (target.stack, target.config.stack) == ("acme/densenet-triton/dev", "dev")


@pytest.mark.parametrize("name", ["", "dev/", "/dev", "..", "../dev", "a/b/c/dev", "dev prod", "dev;x"])
def test_what_is_no_stacks_name_is_said_so(name: str) -> None:
    with pytest.raises(DeployError, match=r"^STACK is '.*'; accepted: the middle of Pulumi\.<name>\.yaml"):
        Target(name)
