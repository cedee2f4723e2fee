import pytest

from app.calendar.words import summary


@pytest.mark.parametrize(
    ("language", "label", "relation", "line"),
    [
        ("nl", "Emma", "dochter", "Emma (dochter van Ann) is jarig"),
        ("en", "Emma", "daughter", "Ann's daughter Emma: birthday"),
        ("nl", "Emma", None, "Emma is jarig (familie van Ann)"),
        ("en", "Emma", None, "Emma: birthday (family of Ann)"),
        ("nl", None, "dochter", "Ann: dochter is jarig"),
        ("en", None, "daughter", "Ann's daughter: birthday"),
        ("nl", None, None, "Ann: verjaardag in de familie"),
    ],
)
def test_a_birthday_in_the_family_is_a_whole_sentence(
    language: str, label: str | None, relation: str | None, line: str
) -> None:
    assert summary(language, "family_birthday", "Ann", label=label, relation=relation) == line
