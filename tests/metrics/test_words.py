"""What is shown says that things go together, and never that one makes the other (metrics.md 2.12, 2.17)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from app.core.contract import contract
from app.metrics.blocks.drivers import analyse
from app.metrics.definitions import LANGUAGES, definitions, document, meanings
from app.metrics.names import METRICS
from app.metrics.schemas import CriterionNumbers, Definitions, LeversOk
from app.metrics.views.sentences import of_criterion, of_levers
from tests.metrics.test_blocks_drivers import lever, one_lever_matters, whole
from tests.metrics.told import drivers, levers
from tests.metrics.worlds import WITH_LEVERS, answers_to

CLAIMS = re.compile(
    r"\b(causes?|caused by|leads? to|leading to|effects?|impacts?|improv\w*|drives?|driven|driving"
    r"|boosts?|influenc\w*|results? in|thanks to|due to|because of"
    r"|veroorza\w*|leidt tot|leiden tot|effecten|effect|impact|verbeter\w*|zorgt voor|zorgen voor"
    r"|be[iï]nvloed\w*|invloed|bevorder\w*|komt door|dankzij|stuw\w*|drijf\w*)\b",
    re.IGNORECASE,
)


ENGLISH = re.compile(r"(?<![.\w])(the|and|with|persons|share|points|from|choice)\b")
DUTCH = re.compile(r"(?<![.\w])(het|een|van de|mensen|deel|punten|eigen)\b")
JARGON = re.compile(
    r"standard deviation|standaardafwijking|variance|variantie|bootstrap|regress|null hypothesis|significan"
    r"|confidence interval|betrouwbaarheidsinterval|median|quantile|covarian|\bp-value|heteros",
    re.IGNORECASE,
)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)


def metrics_of_the_contract() -> Iterator[str]:
    """Descriptions and examples of what the metrics answer."""
    paths = contract()["paths"].items()
    yield from texts([item for path, item in paths if path.startswith("/v1/metrics/")])


def test_no_text_shown_claims_a_cause() -> None:
    shown = [*texts(document()), *metrics_of_the_contract()]
    assert len(shown) > 300
    assert [text for text in shown if CLAIMS.search(text)] == []


@pytest.mark.parametrize(
    "planted",
    [
        "Recognition drives engagement.",
        "Recognition leads to engagement",
        "the effect of recognition",
        "It improves engagement.",
        "IMPACT of levers",
        "Waardering veroorzaakt betrokkenheid.",
        "Waardering zorgt voor betrokkenheid.",
        "Waardering leidt tot meer betrokkenheid.",
        "Dit verbetert de betrokkenheid.",
        "Het effect van waardering",
    ],
)
def test_a_claim_would_be_found_wherever_it_is_planted(planted: str) -> None:
    assert CLAIMS.search(planted)
    deep = yaml.safe_load(yaml.safe_dump({"labels": [{"en": {"text": planted}}]}))
    assert [text for text in texts(deep) if CLAIMS.search(text)] == [planted]


@pytest.mark.parametrize(
    "innocent", ["effective n", "Relative importance", "samenhang", "Efron", "drawn by lot"]
)
def test_words_that_only_look_like_a_claim_pass(innocent: str) -> None:
    assert not CLAIMS.search(innocent)


def test_every_text_is_there_in_both_languages() -> None:
    known = document()
    assert all(words.keys() == set(LANGUAGES) for words in known["sentences"].values())
    assert all(words.keys() == set(LANGUAGES) for words in labels())
    assert all(metric["title"].keys() == set(LANGUAGES) for metric in known["metrics"])
    assert Definitions.model_fields.keys() == {"formula_version", "metrics", "labels"}


def test_every_metric_has_a_meaning_and_a_next_step_and_no_word_of_the_other_language() -> None:
    english, dutch = (definitions(language, "1").metrics for language in LANGUAGES)
    assert [one.name for one in english] == [one.name for one in dutch] == [*meanings()["metrics"]]
    for one, other in zip(english, dutch, strict=True):
        pairs = ((one.meaning, other.meaning), (one.next_step, other.next_step), (one.unit, other.unit))
        assert all(said and said != in_dutch for said, in_dutch in pairs), one.name
        assert one.formula != other.formula or not re.search("[a-z]{4}", one.formula), one.name
        assert not ENGLISH.search(f"{other.formula} {other.unit} {other.source} {other.meaning}"), one.name
        assert not DUTCH.search(f"{one.formula} {one.unit} {one.source} {one.meaning}"), one.name


def test_what_a_metric_means_is_said_without_the_words_of_statistics() -> None:
    plain = [
        text for one in meanings()["metrics"].values() for text in texts([one["meaning"], one["next_step"]])
    ]
    assert len(plain) > 400
    assert [text for text in plain if JARGON.search(text)] == []


def test_every_reason_and_verdict_of_the_metrics_has_words() -> None:
    known = document()["labels"]
    schemas = [schema for schema in contract()["components"]["schemas"].values() if "properties" in schema]
    told = [schema["properties"] for schema in schemas if "status" in schema["properties"]]
    for member, words in (("reason", known["reasons"]), ("verdict", known["verdicts"])):
        codes = {code for properties in told if member in properties for code in properties[member]["enum"]}
        assert codes <= words.keys()
        assert len(codes) >= 5


def labels() -> Iterator[dict[str, str]]:
    for words in document()["labels"].values():
        yield from words.values()


def said_of_criterion(body: dict[str, Any], language: str) -> str:
    return of_criterion(CriterionNumbers.model_validate(body), language)


def said_of_levers(body: dict[str, Any], language: str) -> str:
    return of_levers(LeversOk.model_validate(body), language)


def test_what_is_said_of_drivers_and_levers() -> None:
    wave = whole(one_lever_matters())
    analyses = analyse(wave)
    core, stay, _ = drivers(wave, analyses)[0]["criteria"]
    english, dutch = (said_of_criterion(core, language) for language in LANGUAGES)
    share = round(100 * lever(core, "recognition")["share"])
    assert '"Recognition" is most closely related to "Core engagement".' in english
    assert f"{share}% of that belongs to this area." in english
    assert '"Waardering" het sterkst samen met "Kern van betrokkenheid".' in dutch
    assert f"{share}% daarvan hoort bij dit gebied." in dutch
    assert said_of_criterion(stay, "en") == 'The focus areas are only weakly related to "Wants to stay" here.'
    road = levers(wave, analyses)[0]
    score = round(lever(road, "recognition")["score"])
    assert 'Look at "Recognition" first: it is related to engagement' in said_of_levers(road, "en")
    assert f"(score {score}, streefcijfer 75)" in said_of_levers(road, "nl")


def test_the_advice_tells_how_sure_it_is() -> None:
    wave = whole(one_lever_matters())
    road = levers(wave, analyse(wave))[0]

    def with_chances(**chances: float) -> list[dict[str, Any]]:
        return [{**one, "rank_probability": chances.get(one["lever"], 0.0)} for one in road["levers"]]

    alone = {**road, "levers": with_chances(recognition=0.624)}
    assert said_of_levers(alone, "en").endswith("The chance that it comes first is 62%.")
    assert said_of_levers(alone, "nl").endswith("De kans dat dit eerst komt, is 62%.")
    sure = {**road, "levers": with_chances(recognition=1.0)}
    assert said_of_levers(sure, "en").endswith("The chance that it comes first is over 99%.")
    tied = {**road, "top": None, "tie_set": ["growth", "clarity"], "reasons": {"top": "tie"}}
    both = {**tied, "levers": with_chances(growth=0.45, clarity=0.4)}
    assert said_of_levers(both, "en").endswith("The chance that one of these comes first is 80% or more.")
    assert said_of_levers(both, "nl").endswith("De kans dat een hiervan eerst komt, is 80% of meer.")
    rounded = {**tied, "levers": with_chances(growth=0.6, clarity=0.6)}
    assert said_of_levers(rounded, "en") == said_of_levers(both, "en"), "no sum of rounded chances"
    borrowed = {**alone, "importance_of": "organization"}
    assert "comes first is 62%. How much each focus area" in said_of_levers(borrowed, "en")


def test_a_small_team_is_told_whose_importance_it_is() -> None:
    wave = whole(one_lever_matters())
    road = {**levers(wave, analyse(wave))[0], "importance_of": "organization"}
    assert said_of_levers(road, "en").startswith('Look at "Recognition" first')
    assert "taken from the whole organisation" in said_of_levers(road, "en")
    assert "komt van de hele organisatie" in said_of_levers(road, "nl")
    tied = {**road, "top": None, "tie_set": ["growth", "clarity"], "reasons": {"top": "tie"}}
    assert "taken from the whole organisation" in said_of_levers(tied, "en")
    none = {**road, "top": None, "reasons": {"top": "too_little_explained"}}
    assert "whole organisation" not in said_of_levers(none, "en")


def test_what_is_said_where_no_lever_comes_first() -> None:
    wave = whole(answers_to(WITH_LEVERS, 60, 1))
    road = levers(wave, analyse(wave))[0]
    assert said_of_levers(road, "en") == (
        "The focus areas cannot be put in order here: too few people to calculate this figure."
    )
    tied = {**road, "tie_set": ["growth", "clarity", "recognition"], "reasons": {"top": "tie"}}
    assert said_of_levers(tied, "nl").endswith(": Leren en groeien, Duidelijke verwachtingen en Waardering.")
    alone = {**road, "tie_set": ["growth"], "reasons": {"top": "tie"}}
    assert said_of_levers(alone, "en").endswith(": Learning and growth.")
    at_target = {**road, "reasons": {"top": "at_target"}}
    assert "has reached the target of 75" in said_of_levers(at_target, "en")


def test_what_is_said_where_a_hidden_lever_may_be_first() -> None:
    wave = whole(one_lever_matters())
    road = levers(wave, analyse(wave))[0]
    hidden = {**road, "top": None, "reasons": {"top": "hidden_lever"}}
    assert said_of_levers(hidden, "en").endswith("the focus area that may come first cannot be shown.")
    near = [{**one, "score": 74.7} if one["lever"] == "recognition" else one for one in road["levers"]]
    assert "(score 74.7, target 75)" in said_of_levers({**road, "levers": near}, "en")


def test_a_lever_is_called_the_closest_only_where_no_other_may_be() -> None:
    wave = whole(one_lever_matters())
    core = drivers(wave, analyse(wave))[0]["criteria"][0]
    unsure = [
        {**one, "rank_low": 1, "above_chance": True} if one["lever"] == "clarity" else one
        for one in core["levers"]
    ]
    several = said_of_criterion({**core, "levers": unsure}, "en")
    assert '"Core engagement"; it cannot be said which of them is closest.' in several
    assert "Recognition and Clear expectations are" in several
    alike = [{**one, "rank_low": 1, "sign": "negative", "above_chance": True} for one in core["levers"]]
    assert "none of them stands out." in said_of_criterion({**core, "levers": alike}, "en")
    assert "the lower they score" in said_of_criterion({**core, "levers": alike}, "en")
    by_chance = [{**one, "above_chance": False} if one["lever"] == "clarity" else one for one in unsure]
    none_named = said_of_criterion({**core, "levers": by_chance}, "en")
    assert "none of them stands out." in none_named
    assert "Recognition" not in none_named


DEFINED_AS = {
    "satisfaction_engagement": "satisfaction",
    "filter": "satisfaction",
    "choices": "choice",
    "facets": "facet",
    "trends": "change",
    "leaving": "turnover",
}
"""Under another name than its own."""
NO_NUMBER = {"comments", "disclosure", "texts"}


def test_every_metric_is_defined() -> None:
    known = {metric["name"].partition(".")[0] for metric in document()["metrics"]}
    assert {name for name in METRICS.keys() - NO_NUMBER if DEFINED_AS.get(name, name) not in known} == set()
