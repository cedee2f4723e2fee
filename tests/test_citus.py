"""The schema and the statements can be spread over machines by Citus: looked at without one."""

import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, MetaData, Table, UniqueConstraint

from app import tables  # noqa: F401 fills the metadata
from app.core.inserting import without_copy
from app.tables.base import METADATA
from tests import citus
from tests.citus import refused, unspreadable
from tests.statements import statements

OF = "organization_id = :organization_id"


def test_every_key_keeps_an_organization_on_one_shard() -> None:
    assert len(METADATA.tables) > 50
    assert unspreadable(METADATA) == set()


def test_citus_refuses_no_statement() -> None:
    found = {name: refused(without_copy(sql)) for name, sql in statements()}
    assert len(found) > 250
    assert {name: why for name, why in found.items() if why} == {}


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (f"WITH x AS (SELECT id FROM a WHERE {OF}) SELECT (SELECT n FROM b WHERE b.organization_id ="
         " x.organization_id) FROM x", citus.FAR),
        (f"SELECT * FROM a WHERE {OF} AND EXISTS (SELECT FROM b"
         " WHERE b.organization_id = a.organization_id)", citus.FAR),
        ("INSERT INTO a (organization_id, id) VALUES (:organization_id, 1)"
         " ON CONFLICT (organization_id, id) DO UPDATE SET updated_at = now()", citus.CONFLICT),
        ("INSERT INTO a (organization_id, id) VALUES (:organization_id, 1) ON CONFLICT (organization_id, id)"
         " DO UPDATE SET n = excluded.n WHERE a.at < clock_timestamp()", citus.CONFLICT),
        ("INSERT INTO a (organization_id, id) VALUES (:organization_id, 1)"
         " ON CONFLICT (id) DO UPDATE SET organization_id = excluded.organization_id", citus.MOVED),
        (f"UPDATE a SET organization_id = :other WHERE {OF}", citus.MOVED),
        (f"UPDATE a SET n = random() WHERE {OF}", citus.RANDOM),
        (f"DELETE FROM a WHERE {OF} AND id = gen_random_uuid()", citus.RANDOM),
        (f"UPDATE a SET at = coalesce(at, now()) WHERE {OF}", citus.LAZY),
        (f"UPDATE a SET at = CASE WHEN n = 1 THEN now() END WHERE {OF}", citus.LAZY),
        (f"DELETE FROM a WHERE {OF} RETURNING now()", citus.RETURNING),
        (f"DELETE FROM a WHERE {OF} AND n > CASE kind WHEN 'old' THEN 1 ELSE 2 END", citus.SIMPLE),
        ("INSERT INTO a (organization_id, n) SELECT :organization_id, n FROM unnest(:n) AS n", citus.COPIED),
        (f"WITH x AS (SELECT n FROM b WHERE {OF}) INSERT INTO a (organization_id, n)"
         " SELECT :organization_id, n FROM x", citus.COPIED),
        (f"INSERT INTO a (organization_id, n) VALUES (:organization_id, (SELECT n FROM b WHERE {OF}))",
         citus.NESTED),
        (f"WITH x AS (INSERT INTO b (organization_id) VALUES (:organization_id) RETURNING n)"
         f" UPDATE a SET n = x.n FROM x WHERE a.{OF}", citus.INSERTING),
    ],
)  # fmt: skip
def test_what_citus_refuses_is_found(sql: str, why: str) -> None:
    assert why in refused(sql)


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT * FROM a JOIN b ON b.organization_id = a.organization_id WHERE a.{OF}"
        f" AND EXISTS (SELECT FROM c WHERE c.{OF} AND c.id = a.id)",
        "INSERT INTO a (organization_id, id, at) VALUES (:organization_id, gen_random_uuid(), now())"
        " ON CONFLICT (organization_id, id) DO UPDATE SET at = excluded.at",
        f"UPDATE a SET at = now() WHERE {OF}",
        "UPDATE pgqueuer SET execute_after = clock_timestamp()",
    ],
)
def test_what_citus_takes_is_left_alone(sql: str) -> None:
    assert refused(sql) == set()


WITHIN = ["organization_id", "other"]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([], "key begins"),
        ([UniqueConstraint("id", "organization_id")], "key begins"),
        ([Index("planted", "other", unique=True)], "key begins"),
        ([ForeignKeyConstraint(["other"], ["referred.id"])], "can leave"),
        ([ForeignKeyConstraint(WITHIN, ["referred.id", "referred.organization_id"])], "can leave"),
        ([ForeignKeyConstraint(WITHIN, ["referred.organization_id", "referred.id"], ondelete="SET NULL")],
         "empties"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_spread_is_found(
    parts: list[UniqueConstraint | Index | ForeignKeyConstraint], why: str
) -> None:
    metadata = MetaData()
    Table("referred", metadata, *_columns(leads=True))
    Table("planted", metadata, *_columns(leads=bool(parts)), *parts)
    found = unspreadable(metadata)
    assert len(found) == 1
    assert why in found.pop()


def _columns(*, leads: bool) -> list[Column[int]]:
    names = ["organization_id", "id", "other"]
    return [Column(name, Integer, primary_key=leads or name == "id") for name in names]
