import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.acceptance.process import Service, environment_of, run, serving
from tests.conftest import database_like

CITUS_URL = os.environ.get("CITUS_URL")
"""A database on a coordinator, with the extension and the workers, which the service of the tests takes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture(scope="session")
async def served(server_url: str, template: str) -> AsyncIterator[dict[str, str]]:
    """The environment of a service with a database of its own, for each folder of tests."""
    if CITUS_URL:
        run(environment_of(CITUS_URL), "migrate", "--citus")
        yield environment_of(CITUS_URL)
        return
    async with database_like(server_url, f"served_{uuid4().hex[:8]}", template) as url:
        yield environment_of(url)


@pytest.fixture(scope="session")
def service(served: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    environment = served | {"BETROKKEN_DATA_DIR": str(folder / "data")}
    with serving(environment, folder / "serve.log") as url:
        yield Service(url, environment)
