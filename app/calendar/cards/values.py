"""What an attribute of a template may say: a list of names, each with the shape of its values.

No shape has room for an address, for a quote, or for an escape that hides one of them.
"""

import re

SHAPES = {
    "word": r"[A-Za-z][A-Za-z0-9-]*",
    "words": r"[\w-]+( [\w-]+)*",
    "number": r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?",
    "length": r"[-+]?(\d+\.?\d*|\.\d+)(px|em|rem|pt|%)?|auto|normal",
    "colour": r"#[0-9A-Fa-f]{3,8}|[A-Za-z]+|(rgb|hsl)a?\([\d., %]+\)",
    "font": r"[\w ,'-]+",
    "sentence": r"[^\x00-\x1f\x7f]*",
    "picture": r"cid:card",
    "fragment": r"[\w-]+",
    "numbers": r"[-+\d.eE, \n\t]+%?",
    "path": r"[MmZzLlHhVvCcSsQqTtAa\d.eE,+ \n\t-]*",
    "transform": r"[\s,]*((matrix|translate|scale|rotate|skewX|skewY)[ ]*\([-+\d.eE, ]*\)[\s,]*)*",
    "paint": r"#[0-9A-Fa-f]{3,8}|[A-Za-z]+|(rgb|hsl)a?\([\d., %]+\)|url\(#[\w-]+\)",
    "namespace": r"http://www\.w3\.org/2000/svg",
}
SHAPES["lengths"] = rf"({SHAPES['length']})( +({SHAPES['length']})){{0,3}}"
SHAPES["weight"] = rf"{SHAPES['word']}|[1-9]00"
SHAPES["border"] = "({length}|{colour})( +({length}|{colour})){{0,2}}".format(**SHAPES)
SHAPE = {name: re.compile(shape, re.ASCII) for name, shape in SHAPES.items()}


def named(**names: str) -> dict[str, str]:
    return {name: shape for shape, several in names.items() for name in several.split()}


STYLES = named(
    word="font-style text-align text-decoration text-transform vertical-align white-space border-style "
    "border-collapse list-style-type table-layout direction word-break",
    weight="font-weight",
    length="font-size line-height letter-spacing width height max-width min-width",
    lengths="padding padding-top padding-right padding-bottom padding-left border-width border-radius "
    "margin margin-top margin-right margin-bottom margin-left border-spacing",
    colour="color background-color border-color",
    border="border border-top border-right border-bottom border-left",
    font="font-family",
)
MJML = STYLES | named(
    word="align valign lang dir role scope full-width fluid-on-mobile",
    words="css-class class mj-class name",
    number="colspan rowspan start",
    length="cellpadding cellspacing",
    lengths="inner-padding inner-border-radius",
    colour="container-background-color inner-background-color bgcolor",
    border="inner-border inner-border-top inner-border-right inner-border-bottom inner-border-left",
    sentence="alt title",
    picture="src",
)
SVG = named(
    word="stroke-linecap stroke-linejoin text-anchor fill-rule clip-rule gradientUnits clipPathUnits "
    "spreadMethod font-style dominant-baseline display visibility lengthAdjust text-decoration space lang "
    "font-variant font-stretch",
    words="class preserveAspectRatio",
    weight="font-weight",
    fragment="id",
    length="x1 y1 x2 y2 cx cy r fx fy fr rx ry width height offset opacity fill-opacity stroke-opacity "
    "stop-opacity stroke-width stroke-dashoffset stroke-miterlimit font-size letter-spacing word-spacing "
    "textLength",
    numbers="x y dx dy rotate viewBox points stroke-dasharray",
    path="d",
    transform="transform gradientTransform",
    paint="fill stroke stop-color color clip-path",
    font="font-family",
    namespace="xmlns",
)
"""No style and no href."""


def is_allowed(name: str, value: str, names: dict[str, str]) -> bool:
    if name == "style" and names is MJML:
        return all(is_declaration(part) for part in value.split(";") if part.strip())
    return name in names and SHAPE[names[name]].fullmatch(value.strip()) is not None


def is_declaration(declaration: str) -> bool:
    name, _, value = declaration.partition(":")
    return is_allowed(name.strip().lower(), value, STYLES)
