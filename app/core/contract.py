"""The contract: `openapi/openapi.yaml`, served verbatim and asked what it says."""

import json
import re
from functools import cache
from typing import Any

import yaml

from app.core.resources import resource

CONTRACT = resource("openapi/openapi.yaml")
METHODS = ("get", "put", "post", "patch", "delete")


@cache
def contract_yaml() -> str:
    return CONTRACT.read_text(encoding="utf-8")


@cache
def contract() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load(contract_yaml(), Loader=loader)  # noqa: S506 a safe loader
    return document


@cache
def contract_json() -> str:
    return json.dumps(contract(), ensure_ascii=False)


@cache
def path_patterns() -> list[tuple[re.Pattern[str], str]]:
    """Each path template with its pattern, literal segments before parameters."""
    templates = sorted(contract()["paths"], key=lambda path: path.replace("{", "\x7f"))
    return [(re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path))), path) for path in templates]


def templates_of(path: str) -> list[str]:
    """The templates a path fits, the most literal first: /v1/teams/batch is also that of a team `batch`."""
    return [template for pattern, template in path_patterns() if pattern.fullmatch(path)]


def allowed_methods(path: str) -> list[str]:
    items = [contract()["paths"][template] for template in templates_of(path)]
    return [method.upper() for method in METHODS if any(method in item for item in items)]
