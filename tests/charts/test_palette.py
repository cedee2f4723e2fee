"""Colours that are read: text on what lies under it, and states told apart without their hue."""

from itertools import combinations

import pytest

from app.charts.palette import THEMES, Theme
from tests.colours import contrast

each_theme = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)


@each_theme
def test_text_stands_out_from_what_lies_under_it(theme: Theme) -> None:
    under_ink = (theme.paper, theme.higher, theme.higher_strong, theme.lower, theme.lower_strong)
    assert min(contrast(theme.ink, colour) for colour in under_ink) >= 4.5
    assert min(contrast(colour, theme.paper) for colour in (theme.muted, theme.accent)) >= 4.5


@each_theme
def test_states_are_told_apart_on_grey_paper(theme: Theme) -> None:
    states = (theme.favourable, theme.neutral, theme.unfavourable)
    assert min(contrast(one, other) for one, other in combinations(states, 2)) >= 1.5
    assert contrast(theme.higher, theme.higher_strong) >= 1.2
    assert contrast(theme.lower, theme.lower_strong) >= 1.2


def test_the_reckoning_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
