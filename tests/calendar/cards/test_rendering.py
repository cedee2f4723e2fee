"""A card says what it should in every language, and a template does no more than it may."""

import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import mjml as renderer
import pytest
import resvg_py
from hypothesis import given
from hypothesis import strategies as st

from app.calendar.cards import rendering
from app.calendar.cards.rendering import Occasion, Wish, given_name, rendered
from app.calendar.cards.templates import KINDS, LANGUAGES, CardKind, Template, TemplateRefused, built_in
from app.core.languages import Language

NOOR = Occasion("birthday", "Noor de Wit", "Acme", None, None, None, False, [Wish("Bob", "Proost!")])
OURS = Template(
    "Hi {{ first_name }}",
    "<mjml><mj-body><mj-section><mj-column>"
    "<mj-text>Hi {{ name }}</mj-text></mj-column></mj-section></mj-body></mjml>",
    "Hi {{ name }}",
    '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100">'
    '<text x="5" y="60" font-size="30">{{ shown_name }}</text></svg>',
)
FAMILY = "👨‍👩‍👧‍👦"


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the raw scan lines of an 8-bit RGBA picture."""
    assert png.startswith(b"\x89PNG")
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert (depth, colour) == (8, 6)
    data = b"".join(chunk for kind, chunk in chunks(png) if kind == b"IDAT")
    return width, height, zlib.decompress(data)


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found, place = [], 8
    while place < len(png):
        (size,) = struct.unpack(">I", png[place : place + 4])
        found.append((png[place + 4 : place + 8], png[place + 8 : place + 8 + size]))
        place += 12 + size
    return found


@pytest.mark.parametrize(
    ("years", "is_milestone", "title"),
    [
        ("3", False, "3 jaar in dienst"),
        ("25", True, "Gefeliciteerd met je jubileum"),
        (None, False, "Gefeliciteerd"),
    ],
)
def test_three_years_are_no_jubilee(years: str | None, is_milestone: bool, title: str) -> None:
    occasion = replace(NOOR, kind="work_anniversary", years=years, is_milestone=is_milestone)
    card = rendered(built_in("work_anniversary", "nl"), occasion)
    assert f"<title>{title}</title>" in card.html
    assert ("jubileum" in card.html + card.text + card.subject) == is_milestone


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_card_is_whole(kind: CardKind, language: Language) -> None:
    occasion = replace(NOOR, kind=kind, label="Sanne", relation="dochter", years="25", is_milestone=True)
    card = rendered(built_in(kind, language), occasion)
    for part in (card.subject, card.html, card.text):
        assert "Noor" in part
        assert not re.search(r"\[\[|\]\]|\{\{|\{%|undefined|None", part)
    assert "Proost!" in card.html
    assert "Proost!" in card.text
    assert f'lang="{language}"' in card.html
    assert "cid:card" in card.html
    assert re.findall(r"https?://[^\"]*|url\([^)]*\)|@import", card.html) == ["http://www.w3.org/1999/xhtml"]
    assert card.picture is not None
    assert pixels(card.picture)[:2] == (1120, 630)
    bare = rendered(built_in(kind, language), replace(NOOR, kind=kind, wishes=[]))
    assert "Proost" not in bare.html
    assert not re.search(r"None|\(\)|  ", bare.subject)


@pytest.mark.nightly
def test_the_languages_differ_and_none_claims_a_cause() -> None:
    for kind in KINDS:
        dutch, english = (rendered(built_in(kind, one), replace(NOOR, kind=kind)) for one in ("nl", "en"))
        assert dutch.subject != english.subject
        assert dutch.picture != english.picture
        assert not re.search("causes|leads to|improves|drives", english.text)


def test_years_are_written_as_people_write_them() -> None:
    for years, wanted in (("1", "1 year with Acme"), ("12.5", "12.5 years with Acme")):
        subject = rendered(
            built_in("work_anniversary", "en"), replace(NOOR, kind="work_anniversary", years=years)
        ).subject
        assert subject.startswith(wanted)


def test_text_of_people_is_escaped_and_runs_nothing() -> None:
    hostile = "<script>alert(1)</script>{{ 7 * 7 }}&\"'"
    card = rendered(
        built_in("custom", "nl"),
        replace(NOOR, kind="custom", name=hostile, label=hostile, wishes=[Wish(hostile, hostile)]),
    )
    assert "<script" not in card.html
    assert "&lt;script&gt;" in card.html
    assert "49" not in card.html.replace("&#34;", "").replace("#f4f2f7", "")
    assert hostile in card.text


def test_a_line_may_hold_an_address_because_text_loads_nothing() -> None:
    card = rendered(
        built_in("birthday", "en"), replace(NOOR, wishes=[Wish("Bob", "see https://example.com/x")])
    )
    assert "https://example.com/x" in card.html


@pytest.mark.nightly
@given(st.text(max_size=300))
def test_any_name_gives_one_line_of_subject_and_a_picture(name: str) -> None:
    card = rendered(OURS, replace(NOOR, name=name))
    assert not re.search(r"[\x00-\x1f\x7f\u2028\u2029]", card.subject)
    assert card.picture is not None
    assert card.picture.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["Noor\r\nBcc: all@example.com", "Noor\nX", "Noor\u2028X", "Noor\x00\x08X"])
def test_a_name_with_a_newline_stays_on_its_line(name: str) -> None:
    card = rendered(built_in("birthday", "en"), replace(NOOR, name=name))
    assert card.subject == "Happy birthday, Noor!"
    assert re.sub(r"\s+", " ", name.replace("\x00\x08", " ")) in card.html


def test_an_emoji_family_is_in_the_mail_and_left_out_of_the_picture() -> None:
    """The renderer panics where emoji are joined."""
    card = rendered(OURS, replace(NOOR, name=f"Noor {FAMILY}"))
    assert card.picture == rendered(OURS, replace(NOOR, name="Noor")).picture
    assert FAMILY in card.html
    assert FAMILY in card.text


def test_where_the_renderer_panics_the_picture_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def panicking(*, svg_string: str, **_: object) -> bytes:
        calls.append(svg_string)
        if "Noor" in svg_string:
            raise PanicException
        return b"drawn"

    monkeypatch.setattr(resvg_py, "svg_to_bytes", panicking)
    assert rendered(OURS, replace(NOOR, name="Noor")).picture == b"drawn"
    assert len(calls) == 2


class PanicException(BaseException):
    """As resvg's: not an Exception."""


def test_letters_of_all_scripts_stay_in_the_picture() -> None:
    assert (
        rendering.without_emoji(f"Zoë Łukasz 李 عمر {FAMILY}🎉 O’Brien-“X”")
        == "Zoë Łukasz 李 عمر O’Brien-“X”"
    )


def mjml(inside: str) -> str:
    return f"<mjml><mj-body><mj-section><mj-column>{inside}</mj-column></mj-section></mj-body></mjml>"


def styled(style: str) -> str:
    return mjml(f'<mj-text><b style="{style}">x</b></mj-text>')


def svg(inside: str, size: str = 'width="10" height="10"') -> str:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"<svg {names} {size}>{inside}</svg>"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("part", "source", "code"),
    [
        ("text", "{{ ''.__class__ }}", "template_not_allowed"),
        ("text", "{{ name.__class__.__mro__ }}", "template_not_allowed"),
        ("text", "{{ name['__class__'] }}", "template_not_allowed"),
        ("text", "{{ name | attr('__class__') }}", "template_not_allowed"),
        ("text", "{{ name.format(1) }}", "template_not_allowed"),
        ("text", "{% for i in range(10 ** 9) %}{% for j in range(i) %}x{% endfor %}{% endfor %}", "*"),
        ("text", "{% for wish in wishes recursive %}{{ loop(wishes) }}{% endfor %}", "*"),
        ("text", "{% for wish in wishes %}{% for wish in wishes %}x{% endfor %}{% endfor %}", "*"),
        ("text", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "*"),
        ("text", "{{ 'x' * 10 ** 9 }}", "template_not_allowed"),
        ("text", "{% set x = name %}", "template_not_allowed"),
        ("text", "{% include '/etc/passwd' %}", "template_not_allowed"),
        ("text", "{% import 'os' as os %}", "template_not_allowed"),
        ("text", "{{ self }}", "unknown_variable"),
        ("text", "{{ config }}", "unknown_variable"),
        ("text", "{{ wish.text }}", "template_syntax"),
        ("text", "{{ wish.__class__ }}", "template_not_allowed"),
        ("text", "{{ name", "template_syntax"),
        ("text", "{% if name > 3 %}x{% endif %}", "template_syntax"),
        ("text", "{% if 'a' in 3 %}x{% endif %}", "template_syntax"),
        ("text", "{% if wishes > 2 %}x{% endif %}", "template_syntax"),
        ("text", "{{ 3 | length }}", "template_syntax"),
        ("text", "{{ name | upper(1) }}", "template_syntax"),
        ("subject", "{{ name | default(1, 2, 3) }}", "template_syntax"),
        ("text", "{% if years > " + "9" * 5000 + " %}x{% endif %}", "template_syntax"),
        ("html", mjml("<mj-text>{{ name | trim(3) }}</mj-text>"), "template_syntax"),
        ("html", mjml("<mj-text>{{ '\\ud800' }}</mj-text>"), "template_syntax"),
        ("picture", svg("<text>{{ name < 3 }}</text>"), "template_syntax"),
        ("text", "{{ name | nosuchfilter }}", "template_not_allowed"),
        ("text", "{{ (" + "(" * 5000 + "name" + ")" * 5000 + ") }}", "template_not_allowed"),
        ("html", "not MJML", "template_syntax"),
        ("html", mjml("<mj-text>"), "template_syntax"),
        ("html", mjml('<mj-image src="https://tracker.example.com/x.png" />'), "remote_content"),
        ("html", mjml('<mj-image src="//tracker.example.com/x.png" />'), "remote_content"),
        ("html", mjml('<mj-text css-class="URL( https://x )">x</mj-text>'), "template_not_allowed"),
        ("html", mjml('<mj-text><a href="https://example.com">x</a></mj-text>'), "remote_content"),
        ("html", mjml('<mj-text><img src="https://x/y.png" /></mj-text>'), "template_not_allowed"),
        ("html", mjml("<mj-text><script>x</script></mj-text>"), "template_not_allowed"),
        ("html", mjml('<mj-text><b onclick="x">x</b></mj-text>'), "template_not_allowed"),
        ("html", mjml("<mj-raw>x</mj-raw>"), "template_not_allowed"),
        ("html", mjml('<mj-include path="/etc/passwd" />'), "template_not_allowed"),
        ("html", mjml("<mj-style>@import url(https://x);</mj-style>"), "template_not_allowed"),
        ("html", BOMB + mjml("<mj-text>&b;</mj-text>"), "template_not_allowed"),
        ("html", mjml("<div>" * 5000 + "</div>" * 5000), "template_not_allowed"),
        ("html", mjml('{% if years == "99" %}<mj-text />{% endif %}<mj-nothing />'), "template_not_allowed"),
        ("html", mjml("""<mj-text color='red"><img src="https://x/y.png">'>x</mj-text>"""), "*"),
        ("html", mjml('<mj-text color="red;background:url(https://x)">x</mj-text>'), "template_not_allowed"),
        ("html", styled('background:\\75rl(https://x)'), "template_not_allowed"),
        ("html", styled('background:u/**/rl(https://x)'), "template_not_allowed"),
        ("html", styled('background:image-set(&#39;https://x&#39; 1x)'), "template_not_allowed"),
        ("html", styled("background:-webkit-image-set('//x' 1x)"), "template_not_allowed"),
        ("html", styled('list-style-image:src(x)'), "template_not_allowed"),
        ("html", styled('width:expression(1)'), "template_not_allowed"),
        ("html", styled('behavior:none'), "template_not_allowed"),
        ("html", mjml('<mj-image src="cid:card" srcset="https://x/y.png 2x" />'), "remote_content"),
        ("html", mjml('<mj-image src="cid:card" usemap="x" />'), "template_not_allowed"),
        ("html", mjml('<mj-section background-url="https://x/y.png" />'), "remote_content"),
        ("html", mjml('<mj-text><td background="https://x/y.png">x</td></mj-text>'), "remote_content"),
        ("html", mjml('<mj-text font-family="x;@import &#39;//x&#39;">x</mj-text>'), "template_not_allowed"),
        ("html", mjml("<mj-text><style>@import 'https://x';</style></mj-text>"), "template_not_allowed"),
        ("html", mjml("<p/>" * 20_001), "template_too_costly"),
        ("picture", svg("<g/>" * 20_001), "template_too_costly"),
        ("picture", svg("x{{ organization }}" + "x" * 300_000), "template_too_costly"),
        ("picture", svg('<svg width="99999" height="9"/>'), "template_not_allowed"),
        ("picture", svg('<rect width="9" height="9" style="fill:url(https://x)"/>'), "template_not_allowed"),
        ("picture", svg('<rect fill="u\\72l(https://x)" width="9" height="9"/>'), "template_not_allowed"),
        ("picture", svg('<text font-family="url(https://x)">x</text>'), "template_not_allowed"),
        ("picture", svg('<g filter="blur(9999px)"/>'), "template_not_allowed"),
        ("picture", svg('<g mask="url(#a)"/>'), "template_not_allowed"),
        ("picture", svg('<image href="https://x/y.png" width="9"/>'), "template_not_allowed"),
        ("picture", svg('<image xlink:href="/etc/passwd" width="9" height="9"/>'), "template_not_allowed"),
        ("picture", svg('<g id="a"/><use href="#a"/>'), "template_not_allowed"),
        ("picture", svg("<script>x</script>"), "template_not_allowed"),
        ("picture", svg('<rect fill="url(https://x)" width="9" height="9"/>'), "template_not_allowed"),
        ("picture", svg('<filter id="f"/>'), "template_not_allowed"),
        ("picture", svg("", 'width="99999" height="9"'), "template_not_allowed"),
        ("picture", svg("", 'width="100%" height="9"'), "template_not_allowed"),
        ("picture", svg("", ""), "template_not_allowed"),
        ("picture", BOMB + svg("<text>&b;</text>"), "template_not_allowed"),
        ("picture", "<svg", "template_syntax"),
    ],
)  # fmt: skip
def test_what_a_template_may_not_hold(part: str, source: str, code: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        rendered(replace(OURS, **{part: source}), NOOR)
    assert code in ("*", refused.value.code), refused.value


@pytest.mark.parametrize(
    "loading",
    [
        '<img src="https://x/y.png">',
        '<img src="cid:card" srcset="https://x 2x">',
        '<link rel="stylesheet" href="https://x">',
        '<style>@import "https://x";</style>',
        "<style>a { background: \\75rl(https://x) }</style>",
        "<style>a { background: image-set('https://x' 1x) }</style>",
        '<p style="background: url(https://x)">x</p>',
        '<!--[if mso]><v:fill src="https://x" /><![endif]-->',
        '<!--[if mso]><img src="https://x"><![endif]-->',
        '<meta http-equiv="refresh" content="0;url=https://x">',
        '<p onclick="x">x</p>',
        '<a href="https://x">x</a>',
        "<script>x</script>",
        "<base href='https://x'>",
    ],
)
def test_a_mail_that_loads_something_does_not_leave_whatever_made_it(
    loading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = renderer.mjml2html
    monkeypatch.setattr(
        renderer, "mjml2html", lambda source, **_: usual(source, fonts={}).replace("</body>", loading)
    )
    with pytest.raises(TemplateRefused) as refused:
        rendered(OURS, NOOR)
    assert refused.value.code == "remote_content"


def test_a_quote_does_not_end_a_value() -> None:
    card = rendered(replace(OURS, html=mjml("""<mj-image src='cid:card' alt='x" src="//x/y.png' />""")), NOOR)
    assert 'alt="x&quot; src=&quot;//x/y.png"' in card.html


def test_values_of_every_day_are_allowed() -> None:
    html = mjml(
        """<mj-divider border-width="1px" border-style="dashed" border-color="rgba(1, 2, 3, .5)" />
        <mj-text padding="1px 2em 0 5%" font-weight="700" font-family="'Trebuchet MS', serif" mj-class="a b"
          align="center"><p style="margin: 0; color: #fff; border: 1px solid red">x</p></mj-text>
        <mj-image src='cid:card' alt='{{ name }} said "hi"' width="200px" />"""
    )
    picture = svg('<path d="M1 2L-3.5,4z" transform="translate(1, 2) rotate(30)" fill="none"/>')
    card = rendered(replace(OURS, html=html, picture=picture), replace(NOOR, name='Noor "de" W\'it'))
    assert 'alt="Noor &quot;de&quot; W\'it said &quot;hi&quot;"' in card.html


def test_a_card_shows_no_more_wishes_than_a_mail_can_hold() -> None:
    many = [Wish("Bob", f"wish {number}.") for number in range(600)]
    card = rendered(built_in("birthday", "en"), replace(NOOR, wishes=many))
    assert "wish 499." in card.html
    assert "wish 500." not in card.html


def test_what_a_condition_hid_is_refused_when_it_shows() -> None:
    hidden = '{% if years == "99" %}<mj-image src="https://x/y.png" />{% endif %}'
    template = replace(OURS, html=mjml(hidden))
    rendered(template, NOOR)
    with pytest.raises(TemplateRefused):
        rendered(template, replace(NOOR, years="99"))


def test_a_template_of_ones_own_with_all_it_may_hold() -> None:
    html = mjml(
        "{% for wish in wishes %}<mj-text>{{ wish.author | upper }}: {{ wish.text }}</mj-text>{% endfor %}"
    )
    card = rendered(replace(OURS, html=html, subject="{{ years or 'x' }}"), NOOR)
    assert "BOB: Proost!" in card.html
    assert card.subject == "x"


def test_the_fonts_ship_with_their_licence() -> None:
    files = {file.name for file in Path(rendering.FONTS).iterdir()}
    assert files == {"OFL.txt", "LobsterTwo-Bold.otf", "Quicksand-Bold.ttf", "Quicksand-Medium.ttf"}


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("Noor de Wit", "Noor"),
        ("de Wit, Noor", "Noor"),
        ("van der Berg, Jan Willem", "Jan"),
        ("Wit,Noor", "Noor"),
        ("John Smith, Jr.", "John"),
        ("Noor de Wit, PhD", "Noor"),
        ("Noor,", "Noor"),
        ("Noor", "Noor"),
    ],
)
def test_whoever_is_written_surname_first_is_greeted_by_their_own(name: str, greeted: str) -> None:
    assert given_name(name) == greeted
