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


Translations = dict[str, dict[str, str]]


class Labels(Schema):
    levers: Translations
    scales: Translations
    quadrants: Translations
    verdicts: Translations
    reasons: Translations
    statuses: Translations
    modes: Translations
    kinds: Translations
    directions: Translations
    flags: Translations
    warnings: Translations
    signs: Translations
    precisions: Translations
    dimensions: Translations
    methods: Translations
    pairings: Translations
    errors: Translations
    resampled: Translations
    importance_of: Translations
    instrument_statuses: Translations
    better: Translations


class Definitions(Schema):
    formula_version: str
    metrics: list[MetricDefinition]
    labels: Labels
