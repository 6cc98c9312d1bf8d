"""What one test keeps secret is none in the next."""

import pytest

from infra.config import secrets


@pytest.fixture(autouse=True)
def nothing_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_texts", set())
