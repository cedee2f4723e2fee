"""Bodies that older releases keep, as they would be written now."""

from typing import Any, Final

from app.metrics.formulas import FIXED, adjusted

StoredBody = dict[str, Any]
"""As it is stored: JSON."""
LEADING: Final = 0.8 - 1e-9
EARLIER: Final = "earlier_release"
MATTERS: Final = 5.0


def why_undivided(body: StoredBody) -> StoredBody:
    """1 to 2: that satisfaction and engagement are one was the only reason to have no quadrants."""
    if body["status"] != "ok":
        return body
    kept = {name: value for name, value in body.items() if name != "is_not_distinct"}
    return {**kept, "why_undivided": "not_distinct" if body["is_not_distinct"] else None}


def fixed_cuts(body: StoredBody) -> StoredBody:
    """2 to 3: there was one division alone."""
    if body["status"] != "ok":
        return body
    return {**body, "mode": "fixed", "cuts": list(FIXED)}


def ratio_of_questions(body: StoredBody) -> StoredBody:
    """1 to 2: the ratio was over questions, which calls two what may be one; that they are one it said too
    seldom, not too often.
    """
    if body["status"] != "ok":
        return body
    missing = ("parts", "htmt", "htmt2", "method", "ci_low", "ci_high")
    return {
        **body,
        **dict.fromkeys(missing),
        "verdict": "not_distinct" if body["verdict"] == "not_distinct" else "undetermined",
        "reasons": body["reasons"] | dict.fromkeys(missing, "earlier_formula"),
    }


def drivers_with_gate(body: StoredBody) -> StoredBody:
    """1 to 2: levers were told of noise too. What is adjusted, and its test over persons, follows from R2."""
    if body["status"] != "ok":
        return body
    return {**body, "criteria": [_gated(of, body["n"]) for of in body["criteria"]]}


def _gated(criterion: StoredBody, of_group: int) -> StoredBody:
    if criterion["status"] != "ok":
        return criterion
    used = sum(one.get("reason") != "zero_variance" for one in criterion["levers"])
    of = adjusted(min(1.0, criterion["r2"]), criterion["n"], used)
    is_associated = of.adjusted >= 0.1 and of.p is not None and of.p < 0.01
    return {
        **criterion,
        "r2": min(1.0, criterion["r2"]),
        "r2_ci_high": min(1.0, criterion["r2_ci_high"]),
        "left_out": of_group - criterion["n"],
        "r2_adjusted": of.adjusted,
        "p": of.p,
        "is_associated": is_associated,
        "chance_share": None,
        "levers": [_lever_gated(one, is_associated) for one in criterion["levers"]],
        "reasons": {"chance_share": "earlier_formula" if is_associated else "no_association"},
    }


def _lever_gated(lever: StoredBody, is_associated: bool) -> StoredBody:
    if lever["status"] == "ok" and is_associated:
        return {**lever, "above_chance": None}
    reason = "zero_variance" if lever.get("reason") == "zero_variance" else "no_association"
    return {"lever": lever["lever"], "status": "undefined", "reason": reason}


def levers_of_all(body: StoredBody) -> StoredBody:
    """1 to 2: levers were ranked among those shown, which may have left out the one that comes first."""
    if body["status"] != "ok" or (body["top"] is None and body["reasons"]["top"] not in ("tie", "at_target")):
        return body
    reason = _why_no_order(body)
    if reason is None:
        return body
    levers = [{**one, "is_top": False} if one["status"] == "ok" else one for one in body["levers"]]
    return {**body, "levers": levers, "top": None, "tie_set": [], "reasons": {"top": reason}}


def _why_no_order(body: StoredBody) -> str | None:
    told = [one for one in body["levers"] if one["status"] == "ok"]
    if body["reasons"].get("top") == "at_target":
        is_below = any(one["score"] < body["target"] for one in told)
        is_enough = len(told) == len(body["levers"]) and not is_below
    else:
        is_enough = sum(one["rank_probability"] or 0 for one in told) >= LEADING
    if is_enough:
        return None
    return "hidden_lever" if len(told) < len(body["levers"]) else "unsure_whether_below"


def levers_with_shrunken(body: StoredBody) -> StoredBody:
    """2 to 3: a group without an analysis of its own had no order, and no score was drawn towards others."""
    if body["status"] != "ok":
        return body
    whose = "group" if any(_has_importance(one) for one in body["levers"]) else None
    reasons = body["reasons"] if whose else {**body["reasons"], "importance_of": body["reasons"]["top"]}
    levers = [_not_drawn(one) if one["status"] == "ok" else one for one in body["levers"]]
    return {**body, "levers": levers, "importance_of": whose, "reasons": reasons}


def _has_importance(lever: StoredBody) -> bool:
    return lever["status"] == "ok" and lever["importance"] is not None


def _not_drawn(lever: StoredBody) -> StoredBody:
    return {**lever, "shrunken": None, "reasons": {**lever["reasons"], "shrunken": EARLIER}}


def participation_of_complete(body: StoredBody) -> StoredBody:
    """1 to 2: how many had answered everything was not said."""
    if body["status"] != "ok":
        return body
    missing = {"complete_response_rate": "earlier_formula"}
    return {**body, "complete_response_rate": None, "reasons": body["reasons"] | missing}


def recognition_with_reliability(body: StoredBody) -> StoredBody:
    """1 to 2: engagement before was held equal as it was observed, with its errors of measurement."""
    if body["status"] != "ok":
        return body
    missing = {"reliability": "earlier_formula"}
    return {**body, "reliability": None, "reasons": body["reasons"] | missing}


def facets_of_enough(body: StoredBody) -> StoredBody:
    """1 to 2: who did not know was counted in each group alone, and n told how many had skipped a score."""
    if body["status"] != "ok":
        return body
    facets, questions = (
        [_of_enough(one, body["n"]) for one in body[name]] for name in ("facets", "questions")
    )
    return {**body, "facets": facets, "questions": questions}


def _of_enough(entry: StoredBody, of_group: int) -> StoredBody:
    if entry["status"] != "ok":
        return entry
    is_in_steps = entry["ci_low"] is None and entry["reasons"]["ci_low"] in ("banded", "coarse")
    told = {**entry, "n": of_group} if is_in_steps else entry
    return _not_unknowing(told) if "dont_know" in entry else told


def _not_unknowing(question: StoredBody) -> StoredBody:
    return {**question, "dont_know": None, "reasons": {"dont_know": "earlier_formula", **question["reasons"]}}


def choices_of_enough(body: StoredBody) -> StoredBody:
    """1 to 2: as in facets."""
    if body["status"] != "ok":
        return body
    questions = [_not_unknowing(one) if one["status"] == "ok" else one for one in body["questions"]]
    return {**body, "questions": questions}


def enps_with_reasons(body: StoredBody) -> StoredBody:
    """1 to 2: of every group that had an eNPS all of it was told."""
    return {**body, "reasons": {}} if body["status"] == "ok" else body


def without_moments(body: StoredBody) -> StoredBody:
    """1 to 2: what a later wave's changes are to stand on was not kept."""
    return {**body, "moments": {}}


def changes_that_matter(body: StoredBody) -> StoredBody:
    """2 to 3: a change was said to be one however small, and not what so many persons could have shown."""
    return {**body, "changes": [_paired(one) if one["status"] == "ok" else one for one in body["changes"]]}


def _paired(change: StoredBody) -> StoredBody:
    pairing = "partial" if change["method"] == "overlapping" else "independent"
    words = "small_increase", "small_decrease"
    verdict = (
        _matters(change, words) if change["verdict"] in ("increased", "decreased") else change["verdict"]
    )
    kept = {name: value for name, value in change.items() if name != "method"}
    return _undetectable({**kept, "pairing": pairing, "smallest_change": MATTERS, "verdict": verdict})


def cells_that_matter(body: StoredBody) -> StoredBody:
    """1 to 2: a difference under the smallest that matters had no word, and "similar" another."""
    if body["status"] != "ok":
        return body
    cells = [_stated(one) if one["status"] == "ok" else one for one in body["cells"]]
    return {**body, "smallest_change": MATTERS, "cells": cells}


def _stated(cell: StoredBody) -> StoredBody:
    state = "practically_equal" if cell["state"] == "similar" else cell["state"]
    is_small = state == "inconclusive" and cell["q"] is not None and cell["q"] < 0.05
    words = "slightly_higher", "slightly_lower"
    return _undetectable(
        {**cell, "state": _matters({**cell, "verdict": state}, words) if is_small else state}
    )


def _matters(difference: StoredBody, words: tuple[str, str]) -> str:
    """Read in the order of metrics.md 2.10; `words` for a small one up, and down."""
    if difference["ci_low"] >= -MATTERS and difference["ci_high"] <= MATTERS:
        return "practically_equal"
    if abs(difference["difference"]) >= MATTERS:
        return str(difference["verdict"])
    return words[difference["difference"] < 0]


def _undetectable(difference: StoredBody) -> StoredBody:
    return {
        **difference,
        "detectable": None,
        "reasons": {**difference["reasons"], "detectable": EARLIER},
    }
