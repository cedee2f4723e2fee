"""Of every number that an answer about people can hold: on whose answers it stands.

A number that is not in here makes the tests fail, so that no new one goes past the attackers. Whoever adds
one writes here whose it is; and where that is a set of persons that no number stood on before, teaches the
attacker in `test_http_attack.py` what can be added and subtracted with it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.contract import resolve

Json = Any


class Unknown(AssertionError):
    """A number of which nobody has said whose it is."""


def leaves(said: Json, path: str = "") -> Iterator[tuple[str, Any]]:
    """Whatever is no object or list, with its path; the members of a list have one path."""
    if isinstance(said, Mapping):
        for name, member in said.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(said, list):
        for member in said:
            yield from leaves(member, f"{path}[]")
    else:
        yield path, said


def places(said: Json, place: str = "") -> Iterator[tuple[str, Any]]:
    """As leaves, each with a place of its own."""
    members = (
        said.items() if isinstance(said, Mapping) else enumerate(said) if isinstance(said, list) else None
    )
    if members is None:
        yield place, said
    else:
        for name, member in members:
            yield from places(member, f"{place}.{name}")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def described(node: dict[str, Any], path: str = "", above: tuple[int, ...] = ()) -> Iterator[str]:
    """The paths of all numbers that a schema of the contract allows."""
    schema = resolve(node)
    if id(schema) in above:
        return
    kinds = schema.get("type", [])
    if {"number", "integer"} & ({kinds} if isinstance(kinds, str) else set(kinds)):
        yield path
    below = (*above, id(schema))
    for word in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(word, []):
            yield from described(part, path, below)
    for name, member in schema.get("properties", {}).items():
        yield from described(member, f"{path}.{name}" if path else name, below)
    for word, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(word), dict):
            yield from described(schema[word], path + mark, below)


# ---------------------------------------------------------------------------------- whose each number is

SETTINGS: Final = "nobody's: it was set, or follows from what was asked"
COUNT: Final = "nobody's answers: how many there are of a kind in the whole organisation"
SIZE: Final = "how many of the group have both scores: attacked as a set, with their scores"
PART: Final = "how many of the group have a score, or did not know: attacked as a set of persons"
FRAME: Final = "how many of the group were asked or answered: attacked in test_http_leak.py"
GROUP: Final = "the persons of the group with both scores"
SCORE: Final = "the persons of the group whom the plan counts in this score"
OPTION: Final = "those of the group who answered, less a lot of their own: attacked in test_choices.py"
REST: Final = "as SCORE, of the group and of everybody else"
STRATA: Final = "both scores of regions that are told exactly"
ALIKE: Final = "relations between answers, of thirty persons or more of the group"
WAVES: Final = "GROUP or SCORE, in each of two waves"
TWICE: Final = "those who answered both waves"
NOISE: Final = "the organisation's persons, under noise drawn once"
LINKED: Final = "those of whom something else is known: thanks received, or whether they left"
ELSEWHERE: Final = "no answers: thanks, celebrations or figures of the organisation's own"

ON_ANSWERS: Final = (GROUP, SCORE, OPTION, REST, STRATA, ALIKE, WAVES, TWICE, NOISE, LINKED)

ONE_SCORE = r"(score|ci_low|ci_high|sd)"
SHARES = r"(favourable|neutral|unfavourable|favourable_ci_low|favourable_ci_high)"
INTERVAL = r"(score|points|difference|ratio|r|p|q|ci_low|ci_high)"
QUADRANT = r"(thriving|content|stretched|detached)"
HEADLINE: Final = {
    r"groups\[\]\.(satisfaction|engagement)\." + ONE_SCORE: GROUP,
    r"groups\[\]\.(satisfaction|engagement)\." + SHARES: GROUP,
    r"groups\[\]\.gap\.(mean|ci_low|ci_high|dz)": GROUP,
    r"groups\[\]\.gap\.reliability": ALIKE,
    r"groups\[\]\.quadrants\.cut\.(satisfaction|engagement)": SETTINGS,
    r"groups\[\]\.quadrants\.near_cut": GROUP,
    r"groups\[\]\.quadrants\.expected\." + QUADRANT: GROUP,
    r"groups\[\]\.quadrants\.shares\." + QUADRANT + r"\.(share|ci_low|ci_high)": GROUP,
    r"groups\[\]\.position\.(probability|ellipse\.(semi_major|semi_minor|angle))": GROUP,
    r"groups\[\]\.position\.probabilities\." + QUADRANT: GROUP,
    r"distinctness\.n(_complete)?": COUNT,
    r"distinctness\.parts\.(satisfaction|engagement)": SETTINGS,
    r"distinctness\.(htmt2?|ci_low|ci_high|(r|spearman)(_ci_low|_ci_high|_disattenuated)?)": ALIKE,
}
CHANGES: Final = {
    r"groups\[\]\.changes\[\]\.n_(before|after)": PART,
    r"groups\[\]\.changes\[\]\.(difference|ci_low|ci_high|q|detectable)": WAVES,
    r"groups\[\]\.changes\[\]\.smallest_change": SETTINGS,
}
LEVERS: Final = {
    r"target": SETTINGS,
    r"levers\[\]\.n": PART,
    r"levers\[\]\." + ONE_SCORE: SCORE,
    r"levers\[\]\." + SHARES: SCORE,
    r"levers\[\]\.shrunken": REST,
    r"levers\[\]\.(importance|priority|rank_probability)": ALIKE,
}
ENPS: Final = {r"(score|ci_low|ci_high|promoters|passives|detractors)": SCORE}
THANKS: Final = (
    r"(n|events|coverage_30|giver_share"
    r"|rate\.(person_months|per_person_month|ci_low|ci_high)"
    r"|rate\.ratio_to_rest\.(ratio|ci_low|ci_high)"
    r"|concentration\.(gini|gini_corrected|gini_by_chance|top_tenth)"
    r"|cross_team\.(share|expected|ei_index)"
    r"|specificity\.(mean|n)"
    r"|time_since_last\.(median_days|over_30|over_60|over_90)"
    r"|network\.(reciprocity|density|centralisation|components|isolates))"
)
EVERY_ANSWER: Final = {
    r"(survey|waves\[\]\.survey)\.(questionnaire_version|minimum_group_size)": SETTINGS,
    r"(release|waves\[\]\.release)\.number": SETTINGS,
    r"(release|waves\[\]\.release)\.held_back": COUNT,
    r"ci_level|minimum_group_size|(.*\.)?group\.depth": SETTINGS,
    r"groups\[\]\.n": SIZE,
    r"groups\[\]\.(invited|responded)": FRAME,
}


def within(place: str, rules: Mapping[str, str]) -> dict[str, str]:
    return {f"{place}(?:{path})": whose for path, whose in rules.items()}


LEDGER: Final[Mapping[str, Mapping[str, str]]] = {
    "get_survey_participation": {r"invited|responded": COUNT},
    "get_satisfaction_engagement": HEADLINE,
    "get_participation_metrics": {
        r"groups\[\]\.(complete_)?response_rate": FRAME,
        r"groups\[\]\.(satisfaction|engagement)\.(score|ci_low|ci_high|bound_low|bound_high)": GROUP,
        r"groups\[\]\.weighted\.(strata|trimmed|coverage|deff|effective_n)": COUNT,
        r"groups\[\]\.weighted\.(satisfaction|engagement)\.(score|ci_low|ci_high)": STRATA,
    },
    "get_recognition_metrics": {r"(groups\[\]|months\[\]\.result)\." + THANKS: ELSEWHERE},
    "get_celebration_metrics": {r"groups\[\]\.(due|coverage|on_time|median_delay_days)": ELSEWHERE},
    "get_recognition_engagement": {
        r"groups\[\]\.(recognised|doses\[\]\.n|within_persons\.(persons|waves))": COUNT,
        r"groups\[\]\.doses\[\]\.(least|most)": COUNT,
        r"groups\[\]\.r2": LINKED,
        r"groups\[\]\.reliability": ALIKE,
        r"groups\[\]\.(association|stability|placebo|doses\[\]|trend|within_persons\.association)\."
        + INTERVAL: LINKED,
    },
    "get_facets": {
        r"groups\[\]\.(facets|questions)\[\]\.(n|dont_know)": PART,
        r"groups\[\]\.(facets|questions)\[\]\." + ONE_SCORE: SCORE,
        r"groups\[\]\.(facets|questions)\[\]\." + SHARES: SCORE,
    },
    "get_choices": {
        r"groups\[\]\.questions\[\]\.(n|dont_know)": PART,
        r"groups\[\]\.questions\[\]\.options\[\]\.(share|ci_low|ci_high)": OPTION,
    },
    "get_enps": {r"groups\[\]\.n": PART, **within(r"groups\[\]\.", ENPS)},
    "get_reliability": {
        r"groups\[\]\.(scales\[\]|agreement\.\w+)\.n": PART,
        r"groups\[\]\.(scales\[\]|agreement\.\w+|teams\.\w+)\.(n|parts|questions|options|teams)": COUNT,
        r"groups\[\]\.scales\[\]\.(alpha|alpha_ci_low|alpha_ci_high|omega|spearman_brown|sem)": ALIKE,
        r"groups\[\]\.scales\[\]\.items\[\]\.rest_r": ALIKE,
        r"groups\[\]\.agreement\.\w+\.rwg_j(_skewed)?": ALIKE,
        r"groups\[\]\.teams\.\w+\.(icc1|icc1_raw|icc2|icc2_raw|f|p)": ALIKE,
    },
    "get_heatmap": {
        r"groups\[\]\.cells\[\]\.(difference|ci_low|ci_high|g|q|detectable|shrunken)": REST,
        r"groups\[\]\.smallest_change": SETTINGS,
        r"groups\[\]\.cells\[\]\.score": SCORE,
    },
    "get_drivers": {
        r"groups\[\]\.criteria\[\]\.(n|left_out)": PART,
        r"groups\[\]\.criteria\[\]\.(chance_share|r2|r2_adjusted|r2_ci_low|r2_ci_high|p)": ALIKE,
        r"groups\[\]\.criteria\[\]\.levers\[\]\.(share|ci_low|ci_high|rank_low|rank_high|r)": ALIKE,
    },
    "get_levers": within(r"groups\[\]\.", LEVERS),
    "get_trends": {
        **CHANGES,
        r"groups\[\]\.points\[\]\.n": SIZE,
        r"groups\[\]\.points\[\]\.(satisfaction|engagement|gap)\.(score|ci_low|ci_high)": GROUP,
        r"groups\[\]\.points\[\]\.enps\.(score|ci_low|ci_high)": SCORE,
        r"groups\[\]\.repeaters\[\]\.measures\[\]\.n": COUNT,
        r"groups\[\]\.repeaters\[\]\.measures\[\]\."
        r"(difference|ci_low|ci_high|p|dz|wilcoxon_p|mcnemar_p)": TWICE,
    },
    "get_overview": {
        **HEADLINE,
        **CHANGES,
        **within(r"levers\.", {**LEVERS, r"n": SIZE}),
        **within(r"groups\[\]\.enps\.", ENPS),
        r"groups\[\]\.enps\.n": PART,
        r"groups\[\]\.participation\.n": SIZE,
        r"groups\[\]\.participation\.(invited|responded|response_rate)": FRAME,
    },
    "get_outcomes": {
        r"turnover\.association\.(n|leavers)": COUNT,
        r"turnover\.association\.\w+\.(hazard_ratio|rate_ratio)\." + INTERVAL: LINKED,
        r"turnover\.groups\[\]\.n": SIZE,
        r"turnover\.groups\[\]\.(headcount|leavers|rate)": ELSEWHERE,
        r"kpis\[\]\.wave\.n|kpis\[\]\.across_waves\.waves": COUNT,
        r"kpis\[\]\.(wave|across_waves)\.\w+\.(r|ci_low|ci_high|p|q)": GROUP,
        r"kpis\[\]\.across_waves\.\w+\.(prediction_low|prediction_high|tau2)": GROUP,
        r"kpis\[\]\.wave\.points\[\]\.(satisfaction|engagement)": GROUP,
        r"kpis\[\]\.wave\.points\[\]\.value": ELSEWHERE,
    },
    "get_comments": {},
    "get_benchmark": {
        r"scores\.n": COUNT,
        r"scores\.epsilon": SETTINGS,
        r"scores\.\w+ment|scores\.satisfaction": NOISE,
    },
    "get_context": {r"open\[\]\.days_left|teams\[\]\.(depth|parts)": SETTINGS},
    "get_disclosure": {},
    "get_definitions": {},
    "survey.released": {r"data\.number": SETTINGS},
    "survey.participation": {r"data\.(invited|responded)": COUNT},
}
"""By operation or event, and the path of the member."""


def whose(answer: str, path: str) -> str:
    for known, found in {**EVERY_ANSWER, **LEDGER.get(answer, {})}.items():
        if re.fullmatch(known, path):
            return found
    raise Unknown(f"{answer} tells a number at {path}: say in {__name__} on whose answers it stands")
