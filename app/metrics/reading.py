"""Reads what is put together of several frozen metrics or waves; it computes nothing."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.metrics import queries, schemas, sentences, service
from app.metrics.blocks.heatmap import heatmap_columns
from app.metrics.blocks.wave import ORGANIZATION
from app.metrics.definitions import scale_titles
from app.metrics.loading import as_instrument, questionnaire_of
from app.metrics.releasing import ENPS, HEADLINE, TRENDS
from app.tables import Release, Survey

MOST_WAVES = 20

Body = dict[str, Any]
Key = tuple[str, str, str]
"""Kind, segment and identifier of a group."""
ABSENT: Final[Body] = {
    "point": {"status": "undefined", "reason": "group_missing"},
    "changes": [],
    "repeaters": [],
}


async def columns(session: AsyncSession, survey: Survey, language: str) -> list[Body]:
    """The columns of the heatmap, in the order of its cells."""
    instrument = as_instrument((await questionnaire_of(session, survey)).content["questions"])
    facets = (await service.titles_of(session, survey, language))["facets"]
    titles = {f"facet:{key}": title for key, title in facets.items()} | scale_titles(language)
    return [
        {"key": key, "kind": "facet" if key.startswith("facet:") else "dimension", "title": titles[key]}
        for key in heatmap_columns(instrument)
    ]


def worded_drivers(groups: Iterable[Body], language: str) -> list[Body]:
    return [_with_sentences(group, language) for group in groups]


def _with_sentences(group: Body, language: str) -> Body:
    if group["status"] != "ok":
        return group
    worded = [
        {**one, "text": sentences.of_criterion(one, language)} if one["status"] == "ok" else one
        for one in group["criteria"]
    ]
    return {**group, "criteria": worded}


def worded_levers(groups: Iterable[Body], language: str) -> list[Body]:
    return [
        {**group, "text": sentences.of_levers(group, language)} if group["status"] == "ok" else group
        for group in groups
    ]


def worded_recognition(groups: Iterable[Body], language: str) -> list[Body]:
    return [
        {**group, "text": sentences.of_recognition(group, language)} if group["status"] == "ok" else group
        for group in groups
    ]


# ------------------------------------------------------------------ over waves


async def trends(session: AsyncSession, survey: Survey, groups: Sequence[Body]) -> Body:
    """The waves of the series up to the survey, and its groups in each of them, oldest first."""
    waves = await queries.waves_until(session, survey, MOST_WAVES)
    keys = [_key(group) for group in groups]
    by_key: dict[Key, dict[Any, Row[Any]]] = {}
    for row in await queries.results_over_waves(session, survey.organization_id, waves, TRENDS, keys):
        by_key.setdefault((row.kind, row.segment, row.key), {})[row.survey_id] = row
    return {
        "waves": [
            {name: service.header(wave, made)[name] for name in ("survey", "release")} for wave, made in waves
        ],
        "groups": [
            _series(group["group"], waves, by_key.get(key, {}))
            for group, key in zip(groups, keys, strict=True)
        ],
    }


def _series(
    group: schemas.GroupRef, waves: Sequence[tuple[Survey, Release]], rows: dict[Any, Row[Any]]
) -> Body:
    bodies: list[Body] = [rows[survey.id].body if survey.id in rows else ABSENT for survey, _ in waves]
    places = [{"survey": survey.id, "released_at": made.released_at} for survey, made in waves]
    return {
        "group": group,
        "points": [{**place, **body["point"]} for place, body in zip(places, bodies, strict=True)],
        "changes": [change for body in bodies for change in body["changes"]],
        "repeaters": [pair for body in bodies for pair in body["repeaters"]],
    }


# ------------------------------------------------------------------ one call a screen


async def overview(
    session: AsyncSession,
    release: Release,
    by: Sequence[str],
    team: str | None,
    language: str,
    *,
    tops: Sequence[str] | None,
) -> Body:
    """The levers are the whole organisation's: not for who sees some teams only."""
    groups, *parts = [
        await service.read(session, release, metric, by, team, tops)
        for metric in (HEADLINE, ENPS, "participation", TRENDS)
    ]
    whole = (
        None if tops is not None else await service.read(session, release, "levers", ["organization"], None)
    )
    return {
        **await service.distinctness_of(session, release),
        "levers": None if whole is None else worded_levers(whole, language)[ORGANIZATION],
        "groups": [
            _glance(*of_group) if of_group[0]["status"] == "ok" else of_group[0]
            for of_group in zip(groups, *parts, strict=True)
        ],
    }


def _key(group: Body) -> Key:
    ref = group["group"]
    return ref.kind, service.segment_of(ref) or "", ref.id or ""


def _glance(headline: Body, enps: Body, participation: Body, trend: Body) -> Body:
    told = participation
    if participation["status"] == "ok":
        shown = ("invited", "response_rate")
        reasons = {path: why for path, why in participation["reasons"].items() if path in shown}
        told = {**participation, "reasons": reasons}
    return {**headline, "enps": enps, "participation": told, "changes": trend["changes"]}
