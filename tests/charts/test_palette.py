"""Colours that are read: text on what lies under it, and states told apart without their hue."""

from itertools import combinations

import pytest

from app.charts.palette import THEMES, Theme

each_theme = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance: what is left of a colour on grey paper."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


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
