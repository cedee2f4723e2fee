"""A wave after its release: what it was made of, without what was erased, and no more than was shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.core.database import AsyncSession, TenantSession
from app.metrics import names
from app.metrics.blocks.wave import Wave
from app.metrics.disclosure import Decision, Precision, Step, erased_few, plan_release
from app.metrics.releases import queries
from app.metrics.releases.response_matrix import Loaded, load
from app.metrics.sample import Sample
from app.metrics.schemas import Disclosed, Hidden, Shown
from app.tables import Release, Survey

COARSER: Final[Sequence[Precision]] = ("exact", "integer", "banded")
UNTOLD: Final = Hidden(status="suppressed", reason="below_minimum", rule="R1")
"""Of a group that a release says nothing of."""


@dataclass(frozen=True)
class Earlier:
    """A wave that was released, and what that release says of each group being shown."""

    loaded: Loaded
    disclosed: Mapping[int, Disclosed]

    def wave(self) -> Wave:
        return as_released(released_wave(self.loaded), self.disclosed)

    def erased(self) -> frozenset[int]:
        """The groups of which so few were erased since that nothing more may be told (R11)."""
        shown = {ordinal for ordinal, body in self.disclosed.items() if isinstance(body, Shown)}
        return erased_few(self.loaded.frozen_groups(), shown, self.loaded.erased(), self.loaded.k)


async def load_earlier(session: TenantSession, survey: Survey) -> Earlier | None:
    """None where its answers are gone: they are kept for a while only."""
    loaded = await load(session, survey)
    release = await queries.newest_release(session, survey.id)
    if release is None or not loaded.responses:
        return None
    return Earlier(loaded, await disclosed_by(session, release, loaded))


async def disclosed_by(session: AsyncSession, release: Release, loaded: Loaded) -> Mapping[int, Disclosed]:
    return await queries.bodies(session, release, names.DISCLOSURE, range(len(loaded.groups)))


def step_of(survey: Survey, *, is_final: bool) -> Step:
    if survey.release_policy != "rolling":
        return "only"
    return "final" if is_final else "interim"


def wave_of(current: Loaded, sample: Sample, step: Step) -> Wave:
    invited = current.invited()
    plan = plan_release(sample, invited, current.k, step=step)
    return Wave.take(current.survey.id, current.k, sample, invited, plan)


def released_wave(loaded: Loaded) -> Wave:
    """The wave as its final release was computed from, planned without what was erased since."""
    return wave_of(loaded, released_sample(loaded), step_of(loaded.survey, is_final=True))


def released_sample(loaded: Loaded) -> Sample:
    everybody = loaded.sample()
    if loaded.survey.release_policy != "rolling":
        everybody = replace(everybody, included=np.ones(len(everybody.places), dtype=np.int64))
    return everybody.of(everybody.included > 0)


def as_released(wave: Wave, disclosed: Mapping[int, Disclosed]) -> Wave:
    """Without those erased since, rules may show more than the release did, or more finely: they must not."""
    decisions = {
        ordinal: as_decided(own, disclosed.get(ordinal, UNTOLD))
        for ordinal, own in wave.plan.decisions.items()
    }
    hidden = {measure: dict(own) for measure, own in wave.plan.hidden.items()}
    for ordinal, body in disclosed.items():
        for measure, reason in body.hidden.items() if isinstance(body, Shown) else ():
            hidden.setdefault(measure, {})[ordinal] = reason
    return replace(wave, plan=replace(wave.plan, decisions=decisions, hidden=hidden))


def as_decided(own: Decision, then: Disclosed) -> Decision:
    if own.precision is None:
        return own
    if isinstance(then, Hidden):
        return Decision("suppressed", then.reason, None, False, then.rule)
    precision = max(own.precision, then.precision, key=COARSER.index)
    return replace(own, precision=precision, shows_invited=own.shows_invited and then.shows_invited)
