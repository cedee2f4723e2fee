"""What a block says in words, in the language asked for: that things go together, never why."""

from collections.abc import Sequence

from app.metrics.blocks.levers import NO_MORE_THAN_NOISE
from app.metrics.definitions import document, scale_titles
from app.metrics.schemas import CriterionNumbers, DriverLeverOk, LeverOk, LeversOk, RecognitionSince


def of_criterion(criterion: CriterionNumbers, language: str) -> str:
    """Of a criterion with numbers: which lever has most in common with it."""
    known = [lever for lever in criterion.levers if isinstance(lever, DriverLeverOk)]
    name = scale_titles(language)[criterion.criterion]
    if not known or criterion.r2_ci_low <= NO_MORE_THAN_NOISE:
        return _sentence("little_in_common", language).format(criterion=name)
    first = max(known, key=lambda lever: lever.share)
    return _sentence("most_in_common", language).format(
        criterion=name,
        lever=_lever(first.lever, language),
        share=round(100 * first.share),
        r2=round(100 * criterion.r2),
    )


def of_levers(group: LeversOk, language: str) -> str:
    """Of a group's levers: which would come first, or why there is no order."""
    if group.top is not None:
        told = (lever for lever in group.levers if isinstance(lever, LeverOk))
        top = next(lever for lever in told if lever.lever == group.top)
        return _sentence("first_lever", language).format(
            lever=_lever(group.top, language), score=round(top.score), target=round(group.target)
        )
    reason = group.reasons["top"]
    if reason == "tie":
        return _sentence("tied_levers", language).format(levers=_listed(group.tie_set, language))
    if reason == "at_target":
        return _sentence("levers_at_target", language).format(target=round(group.target))
    words = document()["labels"]["reasons"][reason][language]
    return _sentence("no_order", language).format(reason=words[:1].lower() + words[1:])


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
    """Of recognition between two waves and engagement at the second."""
    found = group.association
    is_open = found.ci_low <= 0 <= found.ci_high
    kind = "open" if is_open else "higher" if found.points > 0 else "lower"
    ends = found.ci_low, found.ci_high
    low, high = ends if is_open else sorted(map(abs, ends))
    shown = {
        name: f"{number:.1f}".replace(".", "," if language == "nl" else ".")
        for name, number in {"x": abs(found.points), "low": low, "high": high}.items()
    }
    said = _sentence(f"recognition_{kind}", language).format(**shown)
    if group.direction == "not_separable":
        return f"{said} {_sentence('recognition_not_separable', language)}"
    return said if is_open else f"{said} {_sentence('recognition_association', language)}"
