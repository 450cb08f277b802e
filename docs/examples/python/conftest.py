import pytest

from gatewatch_sim import Simulator


@pytest.fixture
def sim():
    with Simulator("--seed=1", "--farms=none") as simulator:
        yield simulator
