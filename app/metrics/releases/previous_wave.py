"""A wave after its release: what it was made of, without what was erased, and no more than was shown."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.core.database import AsyncSession, TenantSession
from app.metrics import names
from app.metrics.blocks.trends import MomentsTold
from app.metrics.blocks.wave import ORGANIZATION, Wave
from app.metrics.disclosure import Decision, Step, erased_few, plan_release
from app.metrics.releases import queries
from app.metrics.releases.response_matrix import Loaded, load
from app.metrics.sample import Sample
from app.metrics.schemas import Disclosed, Followed, Hidden, Shown
from app.tables import Release, Survey

UNTOLD: Final = Hidden(status="suppressed", reason="below_minimum", rule="R1")
"""Of a group that a release says nothing of."""


@dataclass(frozen=True)
class Earlier:
    """A wave that was released, and what that release says of each group being shown, and of its measures."""

    loaded: Loaded
    disclosed: Mapping[int, Disclosed]
    followed: Mapping[int, Followed]

    def wave(self) -> Wave:
        return as_released(released_wave(self.loaded), self.disclosed)

    def told(self) -> MomentsTold | None:
        """None where an older release did not keep it: its answers tell it, while they are all there."""
        told = {ordinal: own.moments for ordinal, own in self.followed.items()}
        return told if any(told.values()) else None

    @property
    def is_anybody_erased(self) -> bool:
        return bool(self.loaded.erased()[ORGANIZATION])

    def erased(self) -> frozenset[int]:
        """The groups of which so few were erased since that nothing more may be told (R11)."""
        shown = {ordinal for ordinal, body in self.disclosed.items() if isinstance(body, Shown)}
        if self.is_anybody_erased and self.told() is None:
            return frozenset(shown)
        return erased_few(self.loaded.frozen_groups(), shown, self.loaded.erased(), self.loaded.k)


async def load_earlier(session: TenantSession, survey: Survey) -> Earlier | None:
    """None where its answers are gone: they are kept for a while only."""
    loaded = await load(session, survey)
    release = await queries.newest_release(session, survey.id)
    if release is None or not loaded.responses:
        return None
    return await earlier_of(session, release, loaded)


async def earlier_of(session: AsyncSession, release: Release, loaded: Loaded) -> Earlier:
    groups = range(len(loaded.groups))
    return Earlier(
        loaded,
        await queries.bodies(session, release, names.DISCLOSURE, groups),
        await queries.bodies(session, release, names.TRENDS, groups),
    )


def step_of(survey: Survey, *, is_final: bool) -> Step:
    if survey.release_policy != "rolling":
        return "only"
    return "final" if is_final else "interim"


def wave_of(current: Loaded, sample: Sample, step: Step) -> Wave:
    invited = current.invited()
    plan = plan_release(sample, invited, current.k, step=step)
    return Wave.take(current.survey.id, current.k, sample, invited, plan, current.choices)


def released_wave(loaded: Loaded) -> Wave:
    """The wave as its final release was computed from, planned without what was erased since."""
    return wave_of(loaded, released_sample(loaded), step_of(loaded.survey, is_final=True))


def released_sample(loaded: Loaded) -> Sample:
    everybody = loaded.sample()
    if loaded.survey.release_policy != "rolling":
        everybody = replace(everybody, included=np.ones(len(everybody.places), dtype=np.int64))
    return everybody.of(everybody.included > 0)


def as_released(wave: Wave, disclosed: Mapping[int, Disclosed]) -> Wave:
    """Told by the rules of today, without those erased since, it could be other than the release was."""
    decisions = {ordinal: as_decided(disclosed.get(ordinal, UNTOLD)) for ordinal in wave.plan.decisions}
    hidden = {measure: dict(own) for measure, own in wave.plan.hidden.items()}
    for ordinal, body in disclosed.items():
        for measure, reason in body.hidden.items() if isinstance(body, Shown) else ():
            hidden.setdefault(measure, {})[ordinal] = reason
    return replace(wave, plan=replace(wave.plan, decisions=decisions, hidden=hidden))


def as_decided(then: Disclosed) -> Decision:
    if isinstance(then, Hidden):
        return Decision("suppressed", then.reason, None, False, then.rule)
    return Decision("ok", None, then.precision, then.shows_invited)
