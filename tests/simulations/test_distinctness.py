import pytest

from tests.simulations.distinctness import STRUCTURES, told

TWO_AND_TWO, SIX_AND_NINE = STRUCTURES.values()


@pytest.mark.nightly
@pytest.mark.parametrize("structure", STRUCTURES.values())
def test_one_attitude_is_never_called_two(structure: tuple[int, int, int]) -> None:
    found = told(structure, 1.0, n=200, runs=25)
    assert "distinct" not in {of.verdict for of in found}
    for of in found:
        value = of.htmt2 if of.method == "htmt2" else of.htmt
        assert None not in (of.ci_low, value, of.ci_high)
        assert (of.ci_low or 0) <= (value or 0) <= (of.ci_high or 0)


@pytest.mark.nightly
def test_two_attitudes_are_told_apart() -> None:
    found = told(SIX_AND_NINE, 0.6, n=400, runs=10)
    assert {of.verdict for of in found} == {"distinct"}
