"""Every SQL statement of the code, and what each leaves without its organisation.

A column `organization_id` is *bound* if it equals `:organization_id`, or another column that is bound. That
goes into subqueries, into common table expressions and out of them again, and over joins; an OR or a NOT
binds nothing, and the condition of a LEFT JOIN binds only what it joins.
"""

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import sqlglot
from sqlalchemy import ClauseElement, TextClause, TextualSelect
from sqlalchemy.dialects import postgresql
from sqlglot import exp

import app

EXEMPT = {"organizations", "credentials", "setup_links", "alembic_version"}
"""Tables that belong to no organisation, beside the queue's own, which start with pgqueuer."""
STATEMENT = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH) ")
PARAMETER = re.compile(r"(?<![:\w]):(?=[a-z])")
OF_THE_ORGANIZATION = re.compile(r"p_(organization_id|organization_id_\d+|pk_\d+)$")
OWN_KEY = {"organizations": "id"}
"""Where an organisation is a row's own name."""
OF_NOBODY = re.compile(r"(pgqueuer|pg_)\w*$")
TEMPORARY = {"file_people"}
"""Tables of one transaction."""


class Node(NamedTuple):
    """A source of rows, by the query that has it in its FROM, and the name it has there."""

    query: int
    alias: str


class Equal(NamedTuple):
    """What is bound on the left is bound on the right; of an output, only if it is in every arm."""

    sources: tuple[Node | None, ...]
    target: Node


def statements() -> Iterator[tuple[str, str]]:
    """Name and text of every textual statement that stands in a module, also in a dict or a tuple.

    A statement that SQLModel makes is looked at when a test sends it (tests/conftest.py).
    """
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                yield from _within(value, f"{module.name}.{name}")


def _within(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, TextClause):
        yield name, value.text
    elif isinstance(value, str) and name.endswith("]") and STATEMENT.match(value):
        yield name, value
    elif isinstance(value, TextualSelect):
        yield from _within(value.element, name)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _within(each, f"{name}[{key}]")
    elif isinstance(value, list | tuple | set | frozenset):
        for position, each in enumerate(value):
            yield from _within(each, f"{name}[{position}]")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from _within(vars(value) if hasattr(value, "__dict__") else {}, name)


def written(statement: ClauseElement) -> str:
    """The text of a statement that SQLModel makes."""
    return str(statement.compile(dialect=postgresql.dialect(paramstyle="named")))


@cache
def unbound(sql: str) -> tuple[str, ...]:
    """The tables of organisations, by alias, whose organisation this statement leaves open."""
    tree = sqlglot.parse_one(readable(sql), dialect="postgres")
    if isinstance(tree, exp.Command | exp.Create | exp.Drop | exp.Set):
        return ()
    sources = {node: source for query in queries_of(tree) for node, source in sources_of(query)}
    bound = spread(list(equalities(tree, sources)))
    return tuple(
        node.alias
        for node, source in sources.items()
        if node not in bound and is_of_an_organization(source, tree)
    )


def readable(sql: str) -> str:
    """No parameter with the name of a keyword, and nothing that sqlglot cannot read."""
    return PARAMETER.sub(
        ":p_", re.sub(r"(WITH ORDINALITY AS \w+ \([\w, ]+\)\s+)(?=ON CONFLICT)", r"\1WHERE true ", sql)
    )


def queries_of(tree: exp.Expression) -> Iterator[exp.Expression]:
    return tree.find_all(exp.Select, exp.Update, exp.Delete, exp.Insert)


def sources_of(query: exp.Expression) -> Iterator[tuple[Node, exp.Expression]]:
    for source in rows_of(query):
        yield Node(id(query), source.alias_or_name), source


def rows_of(query: exp.Expression) -> Iterator[exp.Expression]:
    """What stands in FROM, JOIN and USING, and what is written to."""
    places = [query.this] if isinstance(query, exp.Update | exp.Delete | exp.Insert) else []
    places += [from_.this for from_ in [query.args.get("from_") or query.args.get("from")] if from_]
    places += query.args.get("using") or []
    joins = list(query.args.get("joins") or [])
    for place in places:
        table = place.this if isinstance(place, exp.Schema) else place
        joins += table.args.get("joins") or []
        yield table
    yield from (join.this for join in joins)
    yield from query.args.get("laterals") or []


def is_of_an_organization(source: exp.Expression, tree: exp.Expression) -> bool:
    if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
        return False
    name = source.name
    return not (
        name in EXEMPT | TEMPORARY or OF_NOBODY.match(name) or source.db or common_table(source, tree)
    )


def common_table(source: exp.Expression, tree: exp.Expression) -> exp.CTE | None:
    return next((cte for cte in tree.find_all(exp.CTE) if cte.alias == source.name), None)


def spread(equal: list[Equal]) -> set[Node | None]:
    """Everything that is bound; None is the organisation of the session itself."""
    bound: set[Node | None] = {None}
    while new := {each.target for each in equal if bound.issuperset(each.sources)} - bound:
        bound |= new
    return bound


def equalities(tree: exp.Expression, sources: Mapping[Node, exp.Expression]) -> Iterator[Equal]:
    outputs = {node: list(_of_output(node, source, tree, sources)) for node, source in sources.items()}
    for found in outputs.values():
        yield from found
    for query in queries_of(tree):
        for condition, only in conditions(query):
            yield from _of_condition(condition, only, sources)
        has_it = [
            node
            for node, source in sources.items()
            if node.query == id(query)
            and (outputs[node] or (has_organization(source) and not common_table(source, tree)))
        ]
        for join in query.args.get("joins") or []:
            yield from _of_using(join, has_it)
        if isinstance(query, exp.Insert):
            yield from _of_insert(query, sources)


def conditions(query: exp.Expression) -> Iterator[tuple[exp.Expression, str | None]]:
    """Each part of what must hold, and the one alias it speaks of if it is the condition of an outer join."""
    where = query.args.get("where")
    if where:
        yield from ((part, None) for part in parts(where.this))
    for row in rows_of(query):
        join = row.parent
        if isinstance(join, exp.Join) and join.args.get("on"):
            only = row.alias_or_name if join.side == "LEFT" else None
            yield from ((part, only) for part in parts(join.args["on"]))


def parts(condition: exp.Expression) -> Iterator[exp.Expression]:
    if isinstance(condition, exp.Paren):
        yield from parts(condition.this)
    elif isinstance(condition, exp.And):
        yield from parts(condition.left)
        yield from parts(condition.right)
    else:
        yield condition


def _of_condition(
    condition: exp.Expression, only: str | None, sources: Mapping[Node, exp.Expression]
) -> Iterator[Equal]:
    for left, right in pairs(condition):
        for one, other in ((left, right), (right, left)):
            target, source = node_of(one, sources), node_of(other, sources)
            if target and (source or is_the_organization(other)) and only in (None, target.alias):
                yield Equal((source,), target)


def pairs(condition: exp.Expression) -> Iterator[tuple[exp.Expression, exp.Expression]]:
    """a = b, and what stands in the same place of (a, b) = (c, d) or of (a, b) IN (SELECT c, d)."""
    if isinstance(condition, exp.EQ):
        yield from zip(members(condition.left), members(condition.right), strict=False)
    elif isinstance(condition, exp.In) and condition.args.get("query"):
        selected = condition.args["query"].find(exp.Select).expressions
        yield from zip(members(condition.this), selected, strict=False)


def members(value: exp.Expression) -> list[exp.Expression]:
    return value.expressions if isinstance(value, exp.Tuple) else [value]


def is_the_organization(value: exp.Expression | None) -> bool:
    while isinstance(value, exp.Cast | exp.Paren | exp.Alias):
        value = value.this
    return isinstance(value, exp.Placeholder) and bool(OF_THE_ORGANIZATION.match(value.name))


def node_of(value: exp.Expression | None, sources: Mapping[Node, exp.Expression]) -> Node | None:
    """The source whose organisation this expression is."""
    while isinstance(value, exp.Alias | exp.Paren):
        value = value.this
    if not isinstance(value, exp.Column):
        return None
    query = value.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Insert)
    while query is not None:
        for node, source in sources.items():
            if node.query == id(query) and speaks_of(value, node, source):
                return node
        query = query.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Insert)
    return None


def speaks_of(column: exp.Column, node: Node, source: exp.Expression) -> bool:
    key = OWN_KEY.get(source.name, "organization_id") if isinstance(source, exp.Table) else "organization_id"
    return column.name == key and (
        column.table == node.alias or (not column.table and has_organization(source))
    )


def has_organization(source: exp.Expression) -> bool:
    """For a column without a table: functions and VALUES have none of their own."""
    return isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier)


def _of_using(join: exp.Join, has_it: list[Node]) -> Iterator[Equal]:
    """The rows before the joined ones have one such column, or PostgreSQL would not know which is meant."""
    if any(column.name == "organization_id" for column in join.args.get("using") or []):
        first = has_it[0]
        joined = Node(first.query, join.this.alias_or_name)
        yield Equal((first,), joined)
        if join.side != "LEFT":
            yield Equal((joined,), first)


def _of_insert(query: exp.Insert, sources: Mapping[Node, exp.Expression]) -> Iterator[Equal]:
    """What is written is bound if its organisation is; without a list of columns it is not told."""
    columns = [column.name for column in query.this.expressions] if isinstance(query.this, exp.Schema) else []
    if "organization_id" not in columns:
        return
    place, target = columns.index("organization_id"), next(node for node, _ in sources_of(query))
    values = [row[place] for row in written_rows(query.expression) if place < len(row)]
    nodes = [None if is_the_organization(value) else node_of(value, sources) for value in values]
    if values and all(node or is_the_organization(value) for node, value in zip(nodes, values, strict=True)):
        yield Equal(tuple(nodes), target)


def written_rows(source: exp.Expression) -> Iterable[list[exp.Expression]]:
    if isinstance(source, exp.Values):
        return [row.expressions for row in source.expressions]
    return [arm.expressions for arm in arms(source)]


def arms(query: exp.Expression) -> Iterator[exp.Expression]:
    """The selects of a UNION, or the one select."""
    if isinstance(query, exp.SetOperation):
        yield from arms(query.left)
        yield from arms(query.right)
    elif isinstance(query, exp.Subquery | exp.Paren):
        yield from arms(query.this)
    elif isinstance(query, exp.Select):
        yield query


def _of_output(
    node: Node, source: exp.Expression, tree: exp.Expression, sources: Mapping[Node, exp.Expression]
) -> Iterator[Equal]:
    """A subquery or common table is bound if each of its arms is; and what binds it binds each arm."""
    made = common_table(source, tree) if isinstance(source, exp.Table) else source
    if made is None or not isinstance(made.this, exp.Expression):
        return
    if isinstance(made.this, exp.Update | exp.Delete | exp.Insert):
        yield Equal((next(each for each, _ in sources_of(made.this)),), node)
        return
    given = [organizations_of(arm, sources) for arm in arms(made.this)]
    if given and all(given):
        yield Equal(tuple(arm.pop() for arm in given), node)
        if isinstance(source, exp.Subquery | exp.Lateral):
            for arm in arms(made.this):
                yield from (Equal((node,), each) for each in organizations_of(arm, sources) if each)


def organizations_of(select: exp.Expression, sources: Mapping[Node, exp.Expression]) -> list[Node | None]:
    """The source of the column `organization_id` of what is selected; [] if there is no such column."""
    for value in select.expressions:
        if is_the_organization(value) and value.alias_or_name == "organization_id":
            return [None]
        if value.alias_or_name == "organization_id" and (found := node_of(value, sources)):
            return [found]
        if isinstance(value, exp.Star) or (
            isinstance(value, exp.Column) and isinstance(value.this, exp.Star)
        ):
            return [
                node
                for node in sources
                if node.query == id(select)
                and has_organization(sources[node])
                and (not isinstance(value, exp.Column) or value.table == node.alias)
            ][:1]
    return []
