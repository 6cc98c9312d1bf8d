import pytest

from tests.unit.smoke_tests.judging import Inputs, made_inputs
from tests.unit.smoke_tests.stand_in import StandIn


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """The files that the smoke tests are given for a server without a fault."""
    return made_inputs(tmp_path_factory.mktemp("inputs"), StandIn())
