"""What a filter demands of every match, so that an index finds the few it has to be tried on."""

from typing import Any, Literal, NamedTuple
from uuid import UUID

import scim2_models as scim
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ValuePath

LONGEST_FILTER = 2_000
"""Characters; identity providers send a hundred."""
COLUMNS = {
    ("id", None): "id",
    ("user_name", None): "user_name",
    ("external_id", None): "external_id",
    ("display_name", None): "name",
    ("emails", "value"): "email",
    ("groups", "value"): "group",
    ("members", "value"): "member",
}
IDS = {"id", "group", "member"}
NOBODY = UUID(int=0)


class Equal(NamedTuple):
    column: str
    value: str | UUID


class Joined(NamedTuple):
    word: Literal["INTERSECT", "UNION"]
    parts: tuple["Demand", ...]


Demand = Equal | Joined


def demand_of(tried: scim.ScimFilter[Any] | None) -> Demand | None:
    """What everything let through satisfies; None where that is nothing an index knows."""
    return None if tried is None else demanded(tried, tried.ast, None)


def demanded(tried: scim.ScimFilter[Any], node: FilterNode, within: str | None) -> Demand | None:
    """Of a node, inside the brackets of a multi-valued attribute or not."""
    if isinstance(node, Comparison) and node.op == CompareOperator.eq:
        return equality(column_of(tried, node, within), node.value)
    if isinstance(node, ValuePath):
        return demanded(tried, node.val_filter, str(node.attr_path))
    if isinstance(node, LogicalExpr):
        parts = [demanded(tried, term, within) for term in node.terms]
        known = tuple(part for part in parts if part is not None)
        if node.op == LogicalOperator.and_ and known:
            return Joined("INTERSECT", known)
        if node.op == LogicalOperator.or_ and len(known) == len(parts):
            return Joined("UNION", known)
    return None


def equality(column: str | None, value: Any) -> Demand | None:
    if column is None or not isinstance(value, str):
        return None
    if not is_storable(value):
        return Equal("id", NOBODY)
    return Equal(column, id_or_nobody(value) if column in IDS else value)


def column_of(tried: scim.ScimFilter[Any], node: Comparison, within: str | None) -> str | None:
    path = scim.path.AttrPath(attr=within, sub_attr=node.attr_path.attr) if within else node.attr_path
    binding = tried.resolve_comparison(path, strict=False)
    if binding is None or binding.model is not tried.model:
        return None
    return COLUMNS.get((binding.field_name, binding.sub_field_name))


def is_storable(value: str) -> bool:
    """Without NUL and halves of characters, which no text of a database has."""
    return "\0" not in value and value == value.encode(errors="replace").decode()


def id_or_nobody(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        return NOBODY
