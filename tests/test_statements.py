"""The first belt: every statement names the organisation of each table of organisations."""

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, select

import app
from app.tables.people import Person
from tests.conftest import Tenant
from tests.statements import statements, unbound

APP = Path(app.__file__).parent
STATEMENTS = {sql: name for name, sql in statements()}
SQL = ("sqlalchemy", "sqlmodel", "sqlalchemy.sql", "sqlalchemy.sql.expression")
NAMED = re.compile(r"(?:\w+\.)?organization_id = (?::organization_id|\w+\.organization_id)\b")
NOT_CONSTANT = {
    "scim/queries.py:statement",  # its parts stand in the WAYS of users and groups, which are read too
    "core/migrations.py:_succeeds",  # makes the acting role
    "scim/queries.py:arrivals",  # the same, of users and groups
    "mail/queries.py:planned_mails",  # of the tables that slices name, whose statements are read there
}
"""Where a text becomes a statement only when it is called."""


def test_every_statement_names_its_organization() -> None:
    assert len(STATEMENTS) > 250
    assert {name: found for sql, name in STATEMENTS.items() if (found := unbound(sql))} == {}


def test_a_statement_that_loses_one_of_its_organizations_is_found() -> None:
    """Each of the code's own statements, with one condition after the other taken out of it."""
    weakened = [
        (name, sql[: condition.start()] + "true" + sql[condition.end() :])
        for sql, name in STATEMENTS.items()
        for condition in NAMED.finditer(sql)
    ]
    assert len(weakened) > 300
    assert [name for name, sql in weakened if not unbound(sql)] == []


@pytest.mark.parametrize(
    ("sql", "open_"),
    [
        ("SELECT * FROM people WHERE id = :id", ["people"]),
        ("SELECT * FROM people p WHERE p.organization_id = :organization_id OR p.id = :id", ["p"]),
        ("SELECT * FROM people p WHERE NOT p.organization_id = :organization_id", ["p"]),
        ("SELECT * FROM people WHERE organization_id = :somebody", ["people"]),
        ("SELECT * FROM people WHERE organization_id = organization_id", ["people"]),
        ("SELECT * FROM a LEFT JOIN b ON b.organization_id = a.organization_id"
         " AND b.organization_id = :organization_id", ["a"]),
        ("SELECT * FROM a JOIN b USING (id) WHERE a.organization_id = :organization_id", ["b"]),
        ("SELECT * FROM a, b WHERE a.organization_id = b.organization_id", ["a", "b"]),
        ("SELECT (SELECT n FROM b WHERE b.id = a.id) FROM a WHERE a.organization_id = :organization_id",
         ["b"]),
        ("WITH x AS (SELECT organization_id FROM a UNION SELECT organization_id FROM b"
         " WHERE organization_id = :organization_id) SELECT * FROM x JOIN c USING (organization_id)",
         ["a", "c"]),
        ("UPDATE a SET n = 1 FROM b WHERE a.id = b.id AND b.organization_id = :organization_id", ["a"]),
        ("DELETE FROM a USING b WHERE a.organization_id = :organization_id AND a.id = b.id", ["b"]),
        ("INSERT INTO a (id) VALUES (:id)", ["a"]),
        ("INSERT INTO a (organization_id, id) VALUES (:id, :id)", ["a"]),
        ("INSERT INTO a (organization_id, id) SELECT organization_id, id FROM b", ["a", "b"]),
    ],
)  # fmt: skip
def test_what_leaves_an_organization_open_is_found(sql: str, open_: list[str]) -> None:
    assert sorted(unbound(sql)) == open_


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM organizations",
        "SELECT * FROM a JOIN organizations o ON o.id = a.organization_id WHERE o.id = :organization_id",
        "SELECT * FROM a LEFT JOIN b USING (organization_id, id) WHERE a.organization_id = :organization_id",
        "SELECT * FROM a WHERE a.organization_id = CAST(:organization_id AS uuid)"
        " AND EXISTS (SELECT FROM b WHERE b.organization_id = a.organization_id)",
        "SELECT * FROM a WHERE (a.organization_id, a.id) IN (SELECT b.organization_id, b.id FROM b"
        " WHERE b.organization_id = :organization_id)",
        "WITH x AS (INSERT INTO a (organization_id, id) VALUES (:organization_id, 1) RETURNING *)"
        " SELECT * FROM x JOIN b ON b.organization_id = x.organization_id",
        "INSERT INTO a (organization_id, id) SELECT b.organization_id, b.id FROM b"
        " WHERE b.organization_id = :organization_id",
    ],
)
def test_what_names_every_organization_is_left_alone(sql: str) -> None:
    assert unbound(sql) == ()


async def test_a_select_of_sqlmodel_is_looked_at_when_it_is_sent(acme: Tenant) -> None:
    async with acme.database.tenant_session(acme.id) as session:
        assert (
            await session.scalars(select(Person).where(col(Person.organization_id) == acme.id))
        ).all() == []
        assert await session.get(Person, (acme.id, UUID(int=1))) is None
        with pytest.raises(AssertionError, match="FROM people"):
            await session.scalars(select(Person).where(col(Person.id) == UUID(int=1)))


def test_sql_is_spelled_in_one_way() -> None:
    """Between three quotes, so that a statement looks the same everywhere and can be copied out."""
    files = [file for file in APP.rglob("*.py") if _speaks_sql(ast.parse(file.read_text()).body)]
    assert len(files) > 50
    otherwise = re.compile(r"(?<![\w.])text\(\s*f?(?!f?\"\"\")[\"']")
    assert [file for file in files if otherwise.search(file.read_text(encoding="utf-8"))] == []


def test_what_makes_a_statement_has_one_name() -> None:
    """By which those that make one are found: under another, a statement would be read by nobody."""
    assert [file.name for file in APP.rglob("*.py") if _hides_statements(ast.parse(file.read_text()))] == []


@pytest.mark.parametrize(
    "line",
    ["import sqlalchemy as sa", "from sqlalchemy import text as raw", "from sqlmodel import text as raw"],
)
def test_another_name_is_found(line: str) -> None:
    assert _hides_statements(ast.parse(line))


def _hides_statements(tree: ast.AST) -> bool:
    nodes = [*ast.walk(tree)]
    modules = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    others = [
        one.asname
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module in SQL
        for one in node.names
        if one.name == "text" and one.asname
    ]
    return bool(others or modules & set(SQL))


def test_no_statement_is_missed() -> None:
    """A `text()` stands in a module, under a name whose statements are read, and in no function."""
    names = {re.sub(r"\[.*", "", name) for name, _ in statements()}
    found = {name for file in APP.rglob("*.py") for name in _unread(file, names)}
    assert found == NOT_CONSTANT


def _unread(file: Path, names: set[str]) -> list[str]:
    module = ".".join(["app", *file.relative_to(APP).with_suffix("").parts])
    parts = ast.parse(file.read_text(encoding="utf-8")).body
    return [
        f"{file.relative_to(APP)}:{_name(part)}"
        for part in parts
        if _speaks_sql(parts) and _makes_a_statement(part) and f"{module}.{_name(part)}" not in names
    ]


def _speaks_sql(parts: Sequence[ast.stmt]) -> bool:
    return any(
        isinstance(part, ast.ImportFrom)
        and part.module in SQL
        and "text" in {name.name for name in part.names}
        for part in parts
    )


def _name(part: ast.stmt) -> str:
    target = part.targets[0] if isinstance(part, ast.Assign) else getattr(part, "target", part)
    return str(getattr(target, "id", None) or getattr(target, "name", None))


def _makes_a_statement(part: ast.stmt) -> bool:
    return not isinstance(part, ast.ClassDef) and any(
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "text"
        for call in ast.walk(part)
    )
