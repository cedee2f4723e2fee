"""From the tables to a sample: the responses of one survey, and the groups they are counted in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np

from app.core.database import TenantSession
from app.metrics.blocks.benchmark import Budget
from app.metrics.blocks.wave import FIXED_DIVISION, Choices, Division
from app.metrics.names import HEADLINE
from app.metrics.releases import queries
from app.metrics.releases.queries import Responses
from app.metrics.sample import Answers, Choice, Groups, Instrument, Integers, Places, Rollup, Sample, Scores
from app.metrics.schemas import HeadlineNumbers, HeadlineOk
from app.organizations import queries as organizations
from app.surveys.audience import queries as audience_queries
from app.surveys.questionnaires import queries as questionnaires_queries
from app.surveys.questionnaires.rules import KeptQuestion, ScoredQuestion, is_chosen, is_scored
from app.tables import Organization, Questionnaire, Survey, SurveyCell, SurveyGroup


@dataclass(frozen=True)
class Loaded:
    """One survey with its responses, as read in one transaction."""

    survey: Survey
    asked: Sequence[KeptQuestion]
    """Every question, in the order of the answers."""
    groups: Sequence[SurveyGroup]
    cells: Sequence[SurveyCell]
    responses: Responses
    comments: Mapping[str | None, Integers]
    """How many, by the question and the direct group of the tree."""
    least_comments: int
    budget: Budget
    choices: Choices

    @property
    def k(self) -> int:
        assert self.survey.minimum_group_size is not None
        return self.survey.minimum_group_size

    @cached_property
    def questions(self) -> Sequence[ScoredQuestion]:
        """Those on a scale, which are scored."""
        return [question for question in self.asked if is_scored(question)]

    @cached_property
    def answers(self) -> Answers:
        """To the questions on a scale."""
        return self.responses.answers[:, [is_scored(question) for question in self.asked]]

    @property
    def tree(self) -> list[SurveyGroup]:
        return [group for group in self.groups if group.kind != "segment"]

    def sample(self) -> Sample:
        instrument = as_instrument(self.questions)
        return Sample(
            instrument=instrument,
            groups=self.frozen_groups(),
            places=self.places_of(self.responses.cells),
            answers=self.answers,
            scores=Scores.take(self.answers, instrument),
            included=self.responses.included,
            linked=self.responses.keys if self.survey.mode != "anonymous" else None,
            order=self.lot(),
            choices=self.chosen(),
        )

    def chosen(self) -> list[Choice]:
        return [
            Choice(
                key=question["key"],
                kind=question["kind"],
                options=[option["key"] for option in question["options"]],
                values=self.responses.answers[:, column].astype(np.int64),
            )
            for column, question in enumerate(self.asked)
            if is_chosen(question)
        ]

    def texts(self) -> list[str]:
        """The questions that are answered in words."""
        return [question["key"] for question in self.asked if question.get("kind") == "text"]

    def lot(self) -> Integers:
        """One order of those who responded, the same whenever it is drawn; an answer less moves nobody."""
        seed = self.survey.id.bytes
        drawn = [sha256(seed + bytes(key)).digest() for key in self.responses.keys]
        places = np.empty(len(drawn), dtype=np.int64)
        places[sorted(range(len(drawn)), key=drawn.__getitem__)] = np.arange(len(drawn))
        return places

    def frozen_groups(self) -> Groups:
        return Groups(
            parents=[group.parent for group in self.tree],
            keys=[group.external_id for group in self.tree],
            categories=[
                (group.segment, group.external_id) for group in self.groups if group.segment is not None
            ],
        )

    def places_of(self, cells: Integers) -> Places:
        """Of persons by the ordinal of their cell."""
        team = np.array([cell.group_ordinal for cell in self.cells], dtype=np.int64)
        categories = {name: self._ordinals_in(name) for name in self.frozen_groups().dimensions()}
        return Places(team[cells], {name: own[cells] for name, own in categories.items()})

    def _ordinals_in(self, dimension: str) -> Integers:
        """The ordinal of every cell's category."""
        ordinals: Mapping[str, int] = {
            group.external_id: group.ordinal for group in self.groups if group.segment == dimension
        }
        return np.array([ordinals[cell.segments[dimension]] for cell in self.cells], dtype=np.int64)

    def invited(self) -> Integers | None:
        """Of every group; None without a frame."""
        if self.survey.access != "invited":
            return None
        everywhere = Rollup(self.frozen_groups(), self.places_of(np.arange(len(self.cells))))
        return everywhere.sums(self.invited_by_cell().astype(np.float64)).astype(np.int64)

    def erased(self) -> Integers:
        """Since the final release, of every node of the tree with all below it (R11)."""
        everywhere = Rollup(self.frozen_groups(), self.places_of(np.arange(len(self.cells))))
        lost = np.array([cell.erased for cell in self.cells], dtype=np.float64)
        return everywhere.sums(lost).astype(np.int64)[: len(self.tree)]

    def invited_by_cell(self) -> Integers:
        return np.array([cell.invited or 0 for cell in self.cells], dtype=np.int64)


def asked_in(questionnaire: Questionnaire) -> Sequence[KeptQuestion]:
    """Every question, in the order of the answers."""
    asked: Sequence[KeptQuestion] = questionnaire.content["questions"]
    return asked


def as_instrument(questions: Sequence[ScoredQuestion]) -> Instrument:
    return Instrument(
        key=[question["key"] for question in questions],
        low=[question["scale"]["low"] for question in questions],
        high=[question["scale"]["high"] for question in questions],
        is_reversed=[question["reversed"] for question in questions],
        dimension=[question["dimension"] for question in questions],
        facet=[question["facet"] for question in questions],
        role=[question["role"] for question in questions],
        lever=[question["lever"] for question in questions],
    )


async def load(session: TenantSession, survey: Survey) -> Loaded:
    questionnaire, groups = (
        await questionnaire_of(session, survey),
        await audience_queries.groups_of(session, survey.id),
    )
    organization, asked = await organizations.organization(session), asked_in(questionnaire)
    nodes = sum(group.kind != "segment" for group in groups)
    return Loaded(
        survey=survey,
        asked=asked,
        groups=groups,
        cells=await audience_queries.cells_of(session, survey.id),
        responses=await queries.responses_of(session, survey.id, len(asked)),
        comments=await queries.comments_by_group(session, survey.id, nodes),
        least_comments=organization.minimum_comment_group_size,
        budget=Budget(
            epsilon=organization.benchmark_epsilon,
            total=organization.benchmark_budget,
            spent=await queries.epsilon_spent(session),
        ),
        choices=Choices(
            target=organization.metrics_target,
            smallest_change=organization.metrics_smallest_change,
            division=await division_of(session, survey, organization),
        ),
    )


async def division_of(session: TenantSession, survey: Survey, organization: Organization) -> Division:
    """That of the first release which told one: two cuts through the same few persons tell more than one."""
    for body in await earlier_headlines(session, survey):
        quadrants = body.quadrants if isinstance(body, HeadlineOk) else None
        if quadrants is not None:
            return Division(quadrants.mode, (quadrants.cut.satisfaction, quadrants.cut.engagement))
    return chosen_division(organization)


async def earlier_headlines(session: TenantSession, survey: Survey) -> Sequence[HeadlineNumbers]:
    return (
        await queries.over_releases(session, survey.id, HEADLINE)
        if survey.release_policy == "rolling"
        else []
    )


def chosen_division(organization: Organization) -> Division:
    norm = organization.metrics_norm
    if organization.metrics_quadrants == "fixed":
        return FIXED_DIVISION
    return Division("benchmark", None if norm is None else (norm["satisfaction"], norm["engagement"]))


async def questionnaire_of(session: TenantSession, survey: Survey) -> Questionnaire:
    """The version that was frozen when the survey opened."""
    questionnaire = await questionnaires_queries.questionnaire_version(
        session, survey.questionnaire, survey.questionnaire_version
    )
    if questionnaire is None:
        raise LookupError("a survey whose questionnaire version is gone")
    return questionnaire
