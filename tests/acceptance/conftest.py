from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.process import Service, served_database, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with served_database(folder) as environment, serving(environment, folder / "serve.log") as url:
        yield Service(url, environment)
