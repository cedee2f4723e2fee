from app.core.patches import merge_patch


def test_merge_patch_is_that_of_the_rfc() -> None:
    target = {"a": "b", "text": "x", "c": {"d": "e", "f": "g"}, "h": [1]}
    patch = {"a": "z", "c": {"f": None, "new": {"deep": None}}, "h": [2], "gone": None, "text": {"y": 1}}
    assert merge_patch(target, patch) == {"a": "z", "c": {"d": "e", "new": {}}, "h": [2], "text": {"y": 1}}
