from typing import Literal

from app.core.schema import Schema

Form = Literal["vega-lite", "svg", "png"]
ChartName = Literal[
    "quadrants",
    "gap",
    "trend",
    "levers",
    "heatmap",
    "facets",
    "questions",
    "participation",
    "recognition",
    "recognition-network",
    "calendar",
]


class ChartSummary(Schema):
    name: ChartName
    title: str
    shows: str
    metric: str
    parameters: list[str]


class Charts(Schema):
    items: list[ChartSummary]
    formats: list[Form]
