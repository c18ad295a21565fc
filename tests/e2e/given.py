"""What every test on a real Envoy is given."""

import pytest

from backend import Backend
from harness import Stage


@pytest.fixture(scope="session")
def stage():
    with Stage() as stage:
        yield stage


@pytest.fixture(scope="session")
def backend():
    with Backend() as backend:
        yield backend
