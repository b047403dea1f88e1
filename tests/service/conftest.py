"""The world that most tests of the directory begin with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.world import World, world_at


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_at(tmp_path / "directory.db") as made:
        yield made
