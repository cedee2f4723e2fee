"""Bodies that older releases keep, as they would be written now."""

from typing import Any, Final

Body = dict[str, Any]
LEADING: Final = 0.8 - 1e-9


def why_undivided(body: Body) -> Body:
    """1 to 2: that satisfaction and engagement are one was the only reason to have no quadrants."""
    if body["status"] != "ok":
        return body
    kept = {name: value for name, value in body.items() if name != "is_not_distinct"}
    return {**kept, "why_undivided": "not_distinct" if body["is_not_distinct"] else None}


def levers_of_all(body: Body) -> Body:
    """1 to 2: levers were ranked among those shown, which may have left out the one that comes first."""
    if body["status"] != "ok" or (body["top"] is None and body["reasons"]["top"] not in ("tie", "at_target")):
        return body
    reason = _why_no_order(body)
    if reason is None:
        return body
    levers = [{**one, "is_top": False} if one["status"] == "ok" else one for one in body["levers"]]
    return {**body, "levers": levers, "top": None, "tie_set": [], "reasons": {"top": reason}}


def _why_no_order(body: Body) -> str | None:
    told = [one for one in body["levers"] if one["status"] == "ok"]
    if body["reasons"].get("top") == "at_target":
        is_below = any(one["score"] < body["target"] for one in told)
        is_enough = len(told) == len(body["levers"]) and not is_below
    else:
        is_enough = sum(one["rank_probability"] or 0 for one in told) >= LEADING
    if is_enough:
        return None
    return "hidden_lever" if len(told) < len(body["levers"]) else "unsure_whether_below"
