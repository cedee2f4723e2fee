from app.metrics.formulas.intervals import Interval


def response_rate(responded: int, invited: int) -> float | None:
    """Responses per eligible invited person, 0-1 (AAPOR RR2: partial answers count). None when nobody was."""
    return responded / invited if invited else None


def manski_bounds(mean: float, n: int, population: int) -> Interval:
    """Worst-case bounds, 0-100, of the mean of `population` persons of whom `n` average `mean` (Manski 1989).

    The others may all stand at 0 or all at 100.
    """
    answered, silent = n * mean / population, (population - n) / population
    return Interval(answered, answered + 100 * silent)
