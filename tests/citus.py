"""What Citus refuses, found without it: of keys as the tables have them, of statements as sqlglot reads them.

The rules are those of its planner and of its foreign keys, as its source has them in May 2026. A statement
all of whose tables have their organisation in the very query they stand in goes to one shard as it is; else
it is cut into parts, and a subquery that looks out at a function, a common table or a subquery is refused.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import sqlglot
from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table, UniqueConstraint
from sqlglot import exp

from tests.statements import (
    EXEMPT,
    equalities,
    is_of_an_organization,
    queries_of,
    readable,
    sources_of,
    spread,
)

IMMUTABLE = {"and", "or", "case", "if", "cast", "coalesce", "greatest", "least", "array_agg", "unnest"}
"""What ON CONFLICT may call; of all else somebody has to look up whether it is."""
VOLATILE = {"rand", "uuid", "clock_timestamp", "nextval", "setval", "set_config", "pg_notify"}
STABLE = {"current_timestamp", "current_setting", "current_date"}
CHANGING = (exp.Update, exp.Delete)

FAR = "a table's organisation stands in another query than the table"
CONFLICT = "ON CONFLICT calls what is not immutable"
RANDOM = "UPDATE or DELETE calls what is volatile"
LAZY = "UPDATE or DELETE calls in CASE or COALESCE what is not immutable"
RETURNING = "RETURNING calls what is not immutable"
MOVED = "a row gets another organisation"
NESTED = "INSERT of VALUES holds a subquery or a common table"
COPIED = "what is selected is inserted by COPY, which row-level security refuses"
SIMPLE = "CASE has an operand, which Citus hands to its nodes as another statement"
INSERTING = "UPDATE or DELETE has an INSERT as a common table"


def refused(sql: str) -> set[str]:
    """Why Citus would refuse the statement."""
    tree = sqlglot.parse_one(readable(sql), dialect="postgres")
    if isinstance(tree, exp.Command | exp.Create | exp.Drop | exp.Set) or not tables_of_organizations(tree):
        return set()
    found = {FAR for _ in far(tree)} | set(_of_changes(tree))
    return found | ({COPIED} if _is_copied(tree) else set()) | ({SIMPLE} if _has_operand(tree) else set())


def _has_operand(tree: exp.Expression) -> bool:
    return any(case.this is not None for case in tree.find_all(exp.Case))


def _is_copied(tree: exp.Expression) -> bool:
    return (
        isinstance(tree, exp.Insert)
        and isinstance(tree.expression, exp.Query)
        and not (tree.args.get("returning") or tree.args.get("conflict"))
    )


def tables_of_organizations(tree: exp.Expression) -> bool:
    return any(is_of_an_organization(table, tree) for table in tree.find_all(exp.Table))


def far(tree: exp.Expression) -> list[str]:
    """The tables, by alias, that are bound only by what stands in another query of the statement."""
    sources = {node: source for query in queries_of(tree) for node, source in sources_of(query)}
    near = [
        each
        for each in equalities(tree, sources)
        if all(source is None or source.query == each.target.query for source in each.sources)
    ]
    bound = spread(near)
    return [
        node.alias
        for node, source in sources.items()
        if node not in bound and is_of_an_organization(source, tree) and not _is_written_to(source)
    ]


def _is_written_to(source: exp.Expression) -> bool:
    """Of what is inserted, its values tell the shard."""
    return isinstance(source.parent, exp.Insert | exp.Schema)


def _of_changes(tree: exp.Expression) -> Iterator[str]:
    for query in tree.find_all(exp.Insert, *CHANGING):
        conflict, returning = query.args.get("conflict"), query.args.get("returning")
        if conflict and called(conflict) - IMMUTABLE:
            yield CONFLICT
        if returning and called(returning) & (VOLATILE | STABLE):
            yield RETURNING
        if "organization_id" in set(_assigned(query.expressions if isinstance(query, exp.Update) else [])):
            yield MOVED
        if conflict and "organization_id" in set(_assigned(conflict.expressions)):
            yield MOVED
        if isinstance(query.args.get("expression"), exp.Values) and (
            query.find(exp.Select) or _tables(query)
        ):
            yield NESTED
    if isinstance(tree, CHANGING):
        yield from _of_one_change(tree)


def _of_one_change(tree: exp.Expression) -> Iterator[str]:
    if called(tree) & VOLATILE:
        yield RANDOM
    if any(called(lazy) & STABLE for lazy in tree.find_all(exp.Case, exp.Coalesce)):
        yield LAZY
    if any(isinstance(table.this, exp.Insert) for table in _tables(tree)):
        yield INSERTING


def _tables(query: exp.Expression) -> list[exp.CTE]:
    return list(query.find_all(exp.CTE))


def _assigned(values: list[exp.Expression]) -> Iterator[str]:
    for value in values:
        target = value.this if isinstance(value, exp.EQ) else value
        yield from (column.name for column in target.find_all(exp.Column))


def called(part: exp.Expression) -> set[str]:
    return {
        (call.name if isinstance(call, exp.Anonymous) else call.sql_name()).lower()
        for call in part.find_all(exp.Func)
    }


def unspreadable(metadata: MetaData) -> set[str]:
    """The keys that hold no table together on one shard, by the table and what is wrong."""
    return {
        f"{table.name}: {problem}"
        for table in metadata.tables.values()
        if table.name not in EXEMPT
        for problem in _of_table(table)
    }


def _of_table(table: Table) -> Iterator[str]:
    keys = [list(table.primary_key.columns)]
    keys += [list(each.columns) for each in table.constraints if isinstance(each, UniqueConstraint)]
    keys += [list(index.columns) for index in table.indexes if index.unique]
    yield from ("a key begins otherwise" for key in keys if _names(key)[:1] != ["organization_id"])
    for key in table.foreign_key_constraints:
        yield from _of_reference(key)


def _of_reference(key: ForeignKeyConstraint) -> Iterator[str]:
    own, other = _names(key.columns), [element.target_fullname for element in key.elements]
    pairs = dict(zip(own, other, strict=True))
    wanted = "organizations.id" if _is_of_nobody(key) else f"{key.referred_table.name}.organization_id"
    if pairs.get("organization_id") != wanted:
        yield "a reference can leave the organisation"
    if key.ondelete in {"SET NULL", "SET DEFAULT"}:
        yield "a reference empties the organisation"


def _is_of_nobody(key: ForeignKeyConstraint) -> bool:
    return key.referred_table.name in EXEMPT


def _names(columns: Iterable[Column[Any]]) -> list[str]:
    return [column.name for column in columns]
