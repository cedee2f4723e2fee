"""Codes that people type: what they see on paper, however they write it, and no slip of the finger."""

from app.core.short_codes import ALPHABET, LENGTH, POSSIBLE, in_groups, is_well_spelt, new_code, typed

CODES = [new_code() for _ in range(200)]


def test_a_code_has_ten_letters_none_of_which_is_taken_for_another() -> None:
    assert len(set(CODES)) == 200
    assert {len(code) for code in CODES} == {LENGTH}
    assert not set("".join(CODES)) & set("AEIOUYL0123456789")
    assert len(ALPHABET) == 19
    assert POSSIBLE == 322_687_697_779


def test_case_spaces_and_hyphens_do_not_matter() -> None:
    for code in CODES:
        for spelling in (code.lower(), in_groups(code), f" {code[:3]} {code[3:6].lower()}–{code[6:]} "):
            assert typed(spelling) == code
        assert is_well_spelt(code)
    for other in ("", "bti_abc", "BCDFGHJKM", "BCDFGHJKMNP", "BCDFG.HJKMN"):
        assert typed(other) is None


def test_one_wrong_letter_or_two_exchanged_always_show() -> None:
    for code in CODES:
        for place in range(LENGTH):
            for letter in set(ALPHABET) - {code[place]}:
                assert not is_well_spelt(code[:place] + letter + code[place + 1 :])
        for place in range(LENGTH - 1):
            one, other = code[place], code[place + 1]
            if one != other:
                assert not is_well_spelt(code[:place] + other + one + code[place + 2 :])
    assert not is_well_spelt("O" * LENGTH)
