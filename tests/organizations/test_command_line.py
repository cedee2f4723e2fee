import pytest
from typer.testing import CliRunner

from app.cli import cli


@pytest.mark.parametrize(
    "arguments",
    [
        ["keys", "create", "--organization", "nope", "--all-scopes"],
        ["keys", "create", "--all-scopes"],
        ["keys", "create", "--organization", "0198f0d0-1c5e-7d0a-8a44-0f6f0a5b7e21"],
        ["organizations", "create", ""],
        ["organizations", "create", "x" * 201],
        ["organizations", "create", "\u200b"],
        ["serve", "--port", "http"],
        ["import", "people.csv"],
    ],
)
def test_a_wrong_option_is_one_line_that_says_where_to_read(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code != 0
    [line] = result.output.splitlines()
    assert line.startswith("betrokken: ")
    assert line.endswith("--help`")
