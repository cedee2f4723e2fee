"""What comes along with the code: inside the package in a wheel, beside it in a checkout and in the image."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def resource(name: str) -> Path:
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name
