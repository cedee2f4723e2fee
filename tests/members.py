"""What mypy does not see by itself: which members stand in models that are put together, or changed.

- `joined(told, *parts)`: each member of what is told stands in a part, and each of a part in what is told;
  where a part may be one of several models, whichever it is. `told_of_groups(name, numbers, told)`: the same
  of the numbers with their group.
- `model_copy(update={...})`: each member that is changed is one of the model, and takes what it is given.

mypy loads it (pyproject.toml); tests/metrics/test_typed.py plants what it must find.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import reduce
from itertools import product
from operator import or_

from mypy.nodes import DictExpr, StrExpr, TypeInfo, Var
from mypy.plugin import FunctionContext, MethodContext, Plugin
from mypy.subtypes import is_same_type, is_subtype
from mypy.types import Instance, Type, flatten_nested_unions, get_proper_type

JOINED, OF_GROUPS = "app.core.schema.joined", "app.metrics.names.told_of_groups"
Members = Mapping[str, Type]


class MembersOfModels(Plugin):
    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        return {JOINED: look_at_joined, OF_GROUPS: look_at_groups}.get(fullname)

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        return look_at_changed if fullname.endswith(".model_copy") else None


def look_at_joined(ctx: FunctionContext) -> Type:
    return checked(ctx, ctx.default_return_type, ctx.arg_types[1], frozenset())


def look_at_groups(ctx: FunctionContext) -> Type:
    metric = get_proper_type(ctx.default_return_type)
    assert isinstance(metric, Instance)
    numbers, told = metric.args
    return checked(ctx, told, [numbers], frozenset({"group"}))


def checked(ctx: FunctionContext, told: Type, parts: Sequence[Type], beside: Set[str]) -> Type:
    """`beside` are members of what is told that no part has to have."""
    for problem in problems(told, parts, beside):
        ctx.api.fail(problem, ctx.context)
    return ctx.default_return_type


def problems(told: Type, parts: Sequence[Type], beside: Set[str]) -> Iterator[str]:
    models = [(one.type.name, members(one)) for one in variants(told)]
    for chosen in product(*map(variants, parts)):
        given: Members = reduce(or_, [dict(members(one)) for one in chosen])
        fitting = [one for one in models if same_status(one[1], given)]
        names = " and ".join(one.type.name for one in chosen)
        if len(fitting) != 1:
            yield f"What {names} make is none of what is told, or several"
        for name, own in fitting:
            yield from (
                f"{name} has {member}, which {names} have not" for member in own.keys() - given - beside
            )
            yield from (f"{names} have {member}, which {name} has not" for member in given.keys() - own)
            yield from (
                f"{member} of {name} takes no {given[member]}"
                for member in own.keys() & given
                if not is_subtype(given[member], own[member])
            )


def same_status(one: Members, other: Members) -> bool:
    """Of models that may stand in one place, the status says which it is."""
    if "status" in one and "status" in other:
        return is_same_type(one["status"], other["status"])
    return "status" not in one and "status" not in other


def look_at_changed(ctx: MethodContext) -> Type:
    (model,), update = (
        variants(ctx.type),
        dict(zip(ctx.callee_arg_names, ctx.args, strict=True)).get("update"),
    )
    for changes in update or ():
        if not isinstance(changes, DictExpr):
            ctx.api.fail("Write the members that change out as a dict", changes)
            continue
        for name, value in changes.items:
            if not isinstance(name, StrExpr):
                continue
            own = members(model).get(name.value)
            if own is None:
                ctx.api.fail(f"{model.type.name} has no {name.value}", name)
            elif not is_subtype(found := ctx.api.get_expression_type(value, own), own):
                ctx.api.fail(f"{name.value} of {model.type.name} takes no {found}", value)
    return ctx.default_return_type


def variants(of: Type) -> list[Instance]:
    proper = [get_proper_type(one) for one in flatten_nested_unions([of])]
    return [one for one in proper if isinstance(one, Instance)]


def members(model: Instance) -> Members:
    fields = model.type.metadata.get("pydantic-mypy-metadata", {}).get("fields", {})
    return {name: type_of(model.type, name) for name in fields}


def type_of(model: TypeInfo, member: str) -> Type:
    node = model[member].node
    assert isinstance(node, Var)
    assert node.type is not None
    return node.type


def plugin(_: str) -> type[Plugin]:
    return MembersOfModels
