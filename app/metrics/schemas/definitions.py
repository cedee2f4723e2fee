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
    statuses: Words
    modes: Words
    kinds: Words
    directions: Words
    flags: Words
    warnings: Words
    signs: Words
    precisions: Words
    dimensions: Words
    methods: Words
    pairings: Words
    errors: Words
    resampled: Words
    importance_of: Words
    instrument_statuses: Words
    better: Words


class Definitions(Schema):
    formula_version: str
    metrics: list[MetricDefinition]
    labels: Labels
