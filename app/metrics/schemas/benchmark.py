from typing import Annotated, Literal

from pydantic import Field

from app.core.schema import Schema
from app.metrics.schemas.common import Metrics


class BenchmarkOk(Schema):
    status: Literal["ok"]
    n: int
    epsilon: float
    satisfaction: float
    engagement: float


class BenchmarkUndefined(Schema):
    status: Literal["undefined"]
    reason: Literal[
        "benchmarks_off", "budget_spent", "too_few_persons", "dimension_missing", "awaits_final_release"
    ]


NoisyScores = Annotated[BenchmarkOk | BenchmarkUndefined, Field(discriminator="status")]


class Benchmark(Metrics):
    scores: NoisyScores
