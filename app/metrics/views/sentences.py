"""What a block says in words, in the language asked for: that things go together, never why."""

from collections.abc import Sequence
from math import floor

from app.metrics.blocks.lever_order import LEADING
from app.metrics.definitions import document, scale_titles
from app.metrics.schemas import (
    CriterionNumbers,
    DriverLeverOk,
    LeverOk,
    LeversOk,
    OverviewGroup,
    OverviewGroupOk,
    RecognitionSince,
)
from app.metrics.schemas.trends import ChangeSuppressed

ALMOST = 99
"""Above it, in whole per cents, a chance is not told as a certainty."""


def of_criterion(criterion: CriterionNumbers, language: str) -> str:
    """Of a criterion with numbers: which lever has most in common with it."""
    known = [lever for lever in criterion.levers if isinstance(lever, DriverLeverOk)]
    name = scale_titles(language)[criterion.criterion]
    if not known or not criterion.is_associated:
        return _sentence("little_in_common", language).format(criterion=name)
    leading = _leading(known)
    return " ".join(
        [
            _in_common(leading, known, language).format(
                criterion=name,
                lever=_lever(leading[0].lever, language),
                levers=_listed([lever.lever for lever in leading], language),
                share=round(100 * leading[0].share),
                r2=round(100 * criterion.r2),
            ),
            *_against(leading, name, language),
        ]
    )


def _leading(known: Sequence[DriverLeverOk]) -> list[DriverLeverOk]:
    """Those that may have most in common with the criterion, the largest share first."""
    ordered = sorted(known, key=lambda lever: -lever.share)
    return [lever for lever in ordered if lever is ordered[0] or lever.rank_low == 1]


def _in_common(leading: Sequence[DriverLeverOk], known: Sequence[DriverLeverOk], language: str) -> str:
    """Where one that may be first is within chance, none is named: the others are not all that may be."""
    is_within_chance = any(lever.above_chance is False for lever in leading)
    if is_within_chance or len(leading) == len(known) > 1:
        return _sentence("none_stands_out", language)
    return _sentence("most_in_common" if len(leading) == 1 else "several_in_common", language)


def _against(leading: Sequence[DriverLeverOk], criterion: str, language: str) -> list[str]:
    """A lever that goes the other way is no lever to pull."""
    levers = [lever.lever for lever in leading if lever.sign == "negative"]
    if not levers:
        return []
    words = _sentence("goes_the_other_way", language)
    return [words.format(levers=_listed(levers, language), criterion=criterion)]


def of_levers(group: LeversOk, language: str) -> str:
    """Of a group's levers: which would come first, or why there is no order."""
    advice = _advice(group, language)
    if advice is None:
        return _no_order(group, language)
    is_borrowed = group.importance_of == "organization"
    borrowed = [_sentence("importance_borrowed", language)] if is_borrowed else []
    return " ".join([advice, *_how_sure(group, language), *borrowed])


def of_overview(groups: Sequence[OverviewGroup], language: str) -> str | None:
    """The finding about the first group: where it stands, and what can be said of the change."""
    group = next(iter(groups), None)
    if not isinstance(group, OverviewGroupOk):
        return None
    said = " ".join([_standing(group, language), *_changed(group, language)])
    if group.group.kind == "organization":
        return said
    return _sentence("of_named", language).format(name=group.group.name, said=said)


def _standing(group: OverviewGroupOk, language: str) -> str:
    position = group.position
    if position is None or position.quadrant == "undetermined":
        scores = {
            "satisfaction": round(group.satisfaction.score),
            "engagement": round(group.engagement.score),
        }
        return _sentence("both_scores", language).format(**scores)
    quadrant = document()["labels"]["quadrants"][position.quadrant][language]
    chance = _percent(position.probability, language)
    return _sentence("stands", language).format(quadrant=quadrant, chance=chance)


def _changed(group: OverviewGroupOk, language: str) -> list[str]:
    """Measures of which the same can be said, together; nothing where no wave before is shown."""
    told = {
        one.measure: one.verdict
        for one in group.changes
        if one.measure in ("satisfaction", "engagement") and not isinstance(one, ChangeSuppressed)
    }
    if not told:
        return []
    said = []
    for verdict in dict.fromkeys(told.values()):
        names = [scale_titles(language)[name].lower() for name, own in told.items() if own == verdict]
        words = document()["labels"]["verdicts"][verdict][language]
        measures = _sentence("and", language).join([" ", " "]).join(names)
        said.append(f"{measures} {words[:1].lower()}{words[1:]}")
    return [_sentence("since_before", language).format(said=", ".join(said))]


def _advice(group: LeversOk, language: str) -> str | None:
    if group.top is not None:
        told = (lever for lever in group.levers if isinstance(lever, LeverOk))
        top = next(lever for lever in told if lever.lever == group.top)
        return _sentence("first_lever", language).format(
            lever=_lever(group.top, language),
            score=_below(top.score, group.target, language),
            target=round(group.target),
        )
    if group.tie_set:
        return _sentence("tied_levers", language).format(levers=_listed(group.tie_set, language))
    return None


def _how_sure(group: LeversOk, language: str) -> list[str]:
    """How often the draws have the same first; of levers in one place no more than what made them so, as the
    sum of rounded chances may be off.
    """
    leading = [group.top] if group.top is not None else group.tie_set
    told = [lever for lever in group.levers if isinstance(lever, LeverOk) and lever.lever in leading]
    chances = [lever.rank_probability for lever in told if lever.rank_probability is not None]
    if not chances:
        return []
    if len(leading) > 1:
        return [_sentence("chance_of_tied", language).format(chance=_percent(LEADING, language))]
    return [_sentence("chance_of_first", language).format(chance=_percent(chances[0], language))]


def _percent(chance: float, language: str) -> str:
    whole = round(100 * chance)
    return _sentence("almost_sure", language) if whole > ALMOST else f"{whole}%"


def _no_order(group: LeversOk, language: str) -> str:
    reason = group.reasons["top"]
    if reason == "at_target":
        return _sentence("levers_at_target", language).format(target=round(group.target))
    words = document()["labels"]["reasons"][reason][language]
    return _sentence("no_order", language).format(reason=words[:1].lower() + words[1:])


def _below(score: float, target: float, language: str) -> str:
    """A score below the target never reads as the target itself."""
    whole, tenths = round(score), floor(10 * score) / 10
    return str(whole) if whole < target else _decimal(tenths, language)


def _decimal(number: float, language: str) -> str:
    return f"{number:.1f}".replace(".", "," if language == "nl" else ".")


def _sentence(name: str, language: str) -> str:
    return str(document()["sentences"][name][language])


def _lever(name: str, language: str) -> str:
    return str(document()["labels"]["levers"][name][language])


def _listed(levers: Sequence[str], language: str) -> str:
    names = [_lever(lever, language) for lever in levers]
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} {_sentence('and', language)} {names[-1]}"


def of_recognition(group: RecognitionSince, language: str) -> str:
    """Of recognition between two waves and engagement at the second: first what it does not show."""
    found = group.association
    is_open = found.ci_low <= 0 <= found.ci_high
    kind = "open" if is_open else "higher" if found.points > 0 else "lower"
    ends = found.ci_low, found.ci_high
    low, high = ends if is_open else sorted(map(abs, ends))
    shown = {
        name: _decimal(number, language)
        for name, number in {"x": abs(found.points), "low": low, "high": high}.items()
    }
    said = _sentence(f"recognition_{kind}", language).format(**shown)
    if group.direction == "not_separable":
        return _sentence("recognition_not_separable", language).format(said=said)
    if is_open:
        return said
    return _sentence("recognition_association", language).format(said=said[:1].lower() + said[1:])
