"""What a filter demands of every match, so that an index finds the few it has to be tried on."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import scim2_models as scim
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ValuePath

LONGEST_FILTER = 2_000
"""Characters; identity providers send a hundred."""
PLAIN = re.compile(r"[A-Za-z0-9.@+_-]+")
"""Text that Python, JSON and PostgreSQL fold and write alike."""
COLUMNS = {
    ("id", None): "id",
    ("user_name", None): "user_name",
    ("external_id", None): "external_id",
    ("display_name", None): "name",
    ("emails", "value"): "email",
}


def demands(tried: scim.ScimFilter[Any] | None) -> dict[str, Any]:
    """Column and value of comparisons that everything let through satisfies."""
    if tried is None:
        return {}
    found = ((column_of(tried, node, within), node.value) for node, within in required(tried.ast))
    return {column: comparable(column, value) for column, value in found if column and is_usable(value)}


def required(node: FilterNode, within: str | None = None) -> Iterator[tuple[Comparison, str | None]]:
    """Equalities joined by `and`, each with the multi-valued attribute it selects of."""
    if isinstance(node, Comparison) and node.op == CompareOperator.eq:
        yield node, within
    elif isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        for term in node.terms:
            yield from required(term, within)
    elif isinstance(node, ValuePath):
        yield from required(node.val_filter, str(node.attr_path))


def column_of(tried: scim.ScimFilter[Any], node: Comparison, within: str | None) -> str | None:
    path = scim.path.AttrPath(attr=within, sub_attr=node.attr_path.attr) if within else node.attr_path
    binding = tried.resolve_comparison(path, strict=False)
    if binding is None or binding.model is not tried.model:
        return None
    return COLUMNS.get((binding.field_name, binding.sub_field_name))


def is_usable(value: Any) -> bool:
    return isinstance(value, str) and PLAIN.fullmatch(value) is not None


def comparable(column: str, value: str) -> UUID | str:
    if column == "id":
        return id_or_nobody(value)
    return value if column == "external_id" else value.lower()


def id_or_nobody(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        return UUID(int=0)
