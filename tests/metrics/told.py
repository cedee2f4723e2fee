"""What the blocks say, as a release stores it: JSON, so that a test sees what a reader would."""

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import wraps
from typing import Any

from pydantic import BaseModel

from app.metrics.blocks import outcomes, trends
from app.metrics.blocks.benchmark import benchmark as benchmark_block
from app.metrics.blocks.distinctness import distinctness as distinctness_block
from app.metrics.blocks.drivers import drivers as drivers_block
from app.metrics.blocks.enps import enps as enps_block
from app.metrics.blocks.facets import facets as facets_block
from app.metrics.blocks.headline import headline as headline_block
from app.metrics.blocks.heatmap import heatmap as heatmap_block
from app.metrics.blocks.levers import levers as levers_block
from app.metrics.blocks.participation import participation as participation_block
from app.metrics.blocks.recognition_engagement import recognition_engagement as recognition_block
from app.metrics.blocks.reliability import reliability as reliability_block

Body = dict[str, Any]
Bodies = dict[int, Body]


def as_json(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value):
        return {name: as_json(member) for name, member in vars_of(value).items()}
    if isinstance(value, Mapping):
        return {name: as_json(member) for name, member in value.items()}
    return [as_json(one) for one in value] if isinstance(value, list) else value


def vars_of(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def in_json(block: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(block)
    def said(*of: Any, **more: Any) -> Any:
        return as_json(block(*of, **more))

    return said


benchmark = in_json(benchmark_block)
distinctness = in_json(distinctness_block)
drivers = in_json(drivers_block)
enps = in_json(enps_block)
facets = in_json(facets_block)
headline = in_json(headline_block)
heatmap = in_json(heatmap_block)
levers = in_json(levers_block)
participation = in_json(participation_block)
recognition_engagement = in_json(recognition_block)
reliability = in_json(reliability_block)
changes = in_json(trends.changes)
followed = in_json(trends.followed)
leaving = in_json(outcomes.leaving)
turnover = in_json(outcomes.turnover)
association = in_json(outcomes.association)
across_waves = in_json(outcomes.across_waves)
