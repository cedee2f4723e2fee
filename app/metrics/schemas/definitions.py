from app.core.schema import Schema


class MetricDefinition(Schema):
    name: str
    title: str
    meaning: str
    next_step: str
    formula: str
    unit: str
    source: str
    version: str


Words = dict[str, dict[str, str]]


class Labels(Schema):
    levers: Words
    scales: Words
    quadrants: Words
    verdicts: Words
    reasons: Words


class Definitions(Schema):
    formula_version: str
    metrics: list[MetricDefinition]
    labels: Labels
