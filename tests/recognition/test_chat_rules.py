"""Signatures as the vendors publish them, and what commands mean."""

from datetime import UTC, datetime, timedelta

import pytest

from app.recognition.chat.rules import Handle, Said, handles, said, slack_parts, teams_parts
from app.recognition.chat.signatures import (
    is_from_slack,
    is_from_teams,
    is_teams_secret,
    slack_signature,
    teams_signature,
)

# The worked example of "Verifying requests from Slack" in Slack's documentation.
SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SLACK_TIMESTAMP = "1531420618"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
SENT = datetime.fromtimestamp(int(SLACK_TIMESTAMP), UTC)

# The security token of Microsoft's outgoing webhook sample; the documentation works out no signature,
# so that of this body was made with `openssl dgst -sha256 -mac HMAC -binary | base64`.
TEAMS_SECRET = "+ZaRRMC8+mpnfGaGsBOmkIFt98bttL5YQRq3p2tXgcE="
TEAMS_BODY = (
    b'{"type":"message","id":"1485983408511","from":{"id":"29:1XJKJMvc5GBtc2JwZq0oj8tHZmzrQgFmB39ATiQWA85g"},'
    b'"text":"<at>Thanks</at> hello"}'
)
TEAMS_SIGNATURE = "HMAC Rhh6g3PgZvLjNedjOx2oXGDisFQYo/r01Uqfqf1m8oM="

BOB, CY, MAIL = Handle("UBOB"), Handle("UCY"), Handle(email="dee@example.com")
NAMES = {BOB: "Bob", CY: "Cy", MAIL: "Dee"}


def test_slacks_own_example_is_from_slack() -> None:
    assert slack_signature(SLACK_SECRET, SLACK_TIMESTAMP, SLACK_BODY) == SLACK_SIGNATURE
    for late in (-300, 0, 300):
        now = SENT + timedelta(seconds=late)
        assert is_from_slack(SLACK_SECRET, SLACK_TIMESTAMP, SLACK_SIGNATURE, SLACK_BODY, now)


@pytest.mark.parametrize(
    ("secret", "timestamp", "signature", "body", "late"),
    [
        ("8f742231b10e8888abcd99yyyzzz85a6", SLACK_TIMESTAMP, SLACK_SIGNATURE, SLACK_BODY, 0),
        (SLACK_SECRET, "1531420619", SLACK_SIGNATURE, SLACK_BODY, 0),
        (SLACK_SECRET, SLACK_TIMESTAMP, SLACK_SIGNATURE[3:], SLACK_BODY, 0),
        (SLACK_SECRET, SLACK_TIMESTAMP, SLACK_SIGNATURE, SLACK_BODY + b" ", 0),
        (SLACK_SECRET, SLACK_TIMESTAMP, SLACK_SIGNATURE, SLACK_BODY, 301),
        (SLACK_SECRET, SLACK_TIMESTAMP, SLACK_SIGNATURE, SLACK_BODY, -301),
        (SLACK_SECRET, "", slack_signature(SLACK_SECRET, "", SLACK_BODY), SLACK_BODY, 0),
        (SLACK_SECRET, "9" * 400, slack_signature(SLACK_SECRET, "9" * 400, SLACK_BODY), SLACK_BODY, 0),
        (SLACK_SECRET, "²", slack_signature(SLACK_SECRET, "²", SLACK_BODY), SLACK_BODY, 0),
        (SLACK_SECRET, SLACK_TIMESTAMP, "", SLACK_BODY, 0),
        (SLACK_SECRET, SLACK_TIMESTAMP, "é", SLACK_BODY, 0),
    ],
)
def test_anything_else_is_not_from_slack(
    secret: str, timestamp: str, signature: str, body: bytes, late: int
) -> None:
    assert not is_from_slack(secret, timestamp, signature, body, SENT + timedelta(seconds=late))


def test_a_webhook_signed_with_the_token_is_from_teams() -> None:
    assert teams_signature(TEAMS_SECRET, TEAMS_BODY) == TEAMS_SIGNATURE
    assert is_from_teams(TEAMS_SECRET, TEAMS_SIGNATURE, TEAMS_BODY)
    for secret, signature, body in (
        (TEAMS_SECRET, TEAMS_SIGNATURE, TEAMS_BODY + b" "),
        (TEAMS_SECRET, TEAMS_SIGNATURE.removeprefix("HMAC "), TEAMS_BODY),
        (TEAMS_SECRET, "Bearer x", TEAMS_BODY),
        (TEAMS_SECRET, "", TEAMS_BODY),
        ("AAAA", TEAMS_SIGNATURE, TEAMS_BODY),
    ):
        assert not is_from_teams(secret, signature, body)


def test_the_token_of_teams_is_base64() -> None:
    assert is_teams_secret(TEAMS_SECRET)
    for other in ("", "not base64!", "abc", "é"):
        assert not is_teams_secret(other)


@pytest.mark.parametrize(
    ("text", "people", "message", "value"),
    [
        ("<@UBOB|bob> you stayed late", [BOB], "you stayed late", None),
        ("<@UBOB> you stayed late", [BOB], "you stayed late", None),
        ("<@UBOB|bob>, <@UCY|cy> and <@UBOB|bob>: you stayed", [BOB, CY], "you stayed", None),
        ("thank you <@UBOB|bob> for Tuesday", [BOB], "thank you Bob for Tuesday", None),
        ("dee@example.com you stayed", [MAIL], "you stayed", None),
        ("<mailto:dee@example.com|dee@example.com> you stayed", [MAIL], "you stayed", None),
        ("<@UBOB> you stayed #Craft", [BOB], "you stayed", "craft"),
        ("<@UBOB> #craft you stayed", [BOB], "you stayed", "craft"),
        ("<@UBOB> you won #1 and #craft", [BOB], "you won #1 and", "craft"),
        ("<@UBOB> see <https://example.com|this>", [BOB], "see this (https://example.com)", None),
        ("<@UBOB> see <https://example.com>", [BOB], "see https://example.com", None),
        ("<@UBOB> see <http://example.com|example.com>", [BOB], "see example.com", None),
        ("<@UBOB> see <https://e.com/?a=1&amp;b=2>", [BOB], "see https://e.com/?a=1&b=2", None),
        ("<@UBOB> call <tel:+31201234567|020 123 4567>", [BOB], "call 020 123 4567", None),
        ("<@UBOB> :tada:", [BOB], ":tada:", None),
        ("<@UBOB>: :tada: well done :wave::skin-tone-3:",
         [BOB], ":tada: well done :wave::skin-tone-3:", None),
        ("<@UBOB> \U0001f389", [BOB], "\U0001f389", None),
        ("*<@UBOB>* you stayed", [BOB], "you stayed", None),
        ("*<@UBOB> and <@UCY>*: you *both* stayed", [BOB, CY], "you *both* stayed", None),
        ("<@UBOB> *you* stayed", [BOB], "*you* stayed", None),
        ("thanks *<@UBOB>* and _<@UCY>_!", [BOB, CY], "thanks *Bob* and _Cy_!", None),
        ("<@UBOB> thanks,", [BOB], "thanks,", None),
        ("<@UBOB> - you stayed -5 degrees", [BOB], "you stayed -5 degrees", None),
        ("<@UBOB> ~old~ `a  b`\n> quoted\n```x = 1\n  y```",
         [BOB], "~old~ `a  b`\n> quoted\n```x = 1\n  y```", None),
        ("<@UBOB> with <!subteam^S1|@devs> and <!here>", [BOB], "with @devs and @here", None),
        ("<@UBOB> on <!date^1392734382^{date_num}|18 Feb 2014>", [BOB], "on 18 Feb 2014", None),
        ("<@UBOB> in <#C024BE7LR>", [BOB], "in #C024BE7LR", None),
        ("<@UBOB> &amp;lt; is less", [BOB], "&lt; is less", None),
        ("<@UBOB> you stayed #craft!", [BOB], "you stayed!", "craft"),
        ("<@UBOB> you stayed, #craft", [BOB], "you stayed", "craft"),
        ("<@UBOB> in <#C1|general>", [BOB], "in #general", None),
        ("<@UBOB> in <#C1|>", [BOB], "in #C1", None),
        ("<@UBOB> you stayed <#C1|craft>", [BOB], "you stayed", "craft"),
        ("<@UBOB> and <!here|here>, <!subteam^S1>", [BOB], "and @here, @subteam", None),
        ("<@UBOB> a &lt; b &amp; c", [BOB], "a < b & c", None),
        ("<@UBOB> <!channel> look\0", [BOB], "@channel look", None),
        ("<@UBOB|bob>", [BOB], "", None),
        ("", [], "", None),
        ("you stayed", [], "you stayed", None),
    ],
)  # fmt: skip
def test_what_a_slash_command_says(text: str, people: list[Handle], message: str, value: str | None) -> None:
    parts = slack_parts(text)
    assert handles(parts) == people
    assert said(parts, NAMES, ["ownership", "craft"]) == Said(message, value)


def test_without_a_list_any_first_tag_is_the_value() -> None:
    assert said(slack_parts("<@UBOB> you stayed #whatever"), NAMES, None) == Said("you stayed", "whatever")
    assert said(slack_parts("<@UBOB> you stayed #whatever"), NAMES, ["craft"]).value is None


@pytest.mark.parametrize(("written", "shown"), [("<#C1|general>", "#general"), ("<#C1>", "#C1")])
def test_without_a_list_a_channel_is_no_value(written: str, shown: str) -> None:
    assert said(slack_parts(f"<@UBOB> in {written}"), NAMES, None) == Said(f"in {shown}", None)
    tagged = slack_parts(f"<@UBOB> in {written} you stayed #craft")
    assert said(tagged, NAMES, None) == Said(f"in {shown} you stayed", "craft")


def test_what_a_message_of_teams_says() -> None:
    mentioned = [("<at>Thanks</at>", "28:bot"), ("<at>Bob B.</at>", "UBOB")]
    text = "<p><at>Thanks</at>&nbsp;<at>Bob B.</at> you stayed&nbsp;late, <b>thanks</b> &amp; more #craft</p>"
    parts = teams_parts(text, mentioned)
    assert handles(parts) == [BOB]
    assert said(parts, NAMES, ["craft"]) == Said("you stayed late, thanks & more", "craft")
    linked = teams_parts('<a href="mailto:dee@example.com">dee@example.com</a> you stayed', [])
    assert (handles(linked), said(linked, NAMES, None).message) == ([MAIL], "you stayed")


THANKS = ("<at>Thanks</at>", "28:bot")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<div><at>Thanks</at> <at>Bob</at> you<br>stayed<br/>late</div>", "you\nstayed\nlate"),
        ("<p><at>Thanks</at> <at>Bob</at> one</p>\n<p>two</p>", "one\ntwo"),
        ('<at>Thanks</at> <at>Bob</at> well <img alt="\U0001f389" itemtype="http://schema.skype.com/Emoji">',
         "well \U0001f389"),
        ('<at>Thanks</at> <at>Bob</at> <emoji id="tada" alt="\U0001f389" title="Party popper"></emoji>',
         "\U0001f389"),
        ('<at>Thanks</at> <at>Bob</at> <customemoji id="x" alt=":parrot:"></customemoji>', ":parrot:"),
        ("<at>Thanks</at> <at>Bob</at> <ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("<at>Thanks</at> <at>Bob</at> <b>so</b> <i>much</i> <s>less</s>", "so much less"),
        ("<at>Thanks</at> <at>Bob</at> <pre>a\n  b</pre>", "a\n  b"),
        ("<at>Thanks</at> <at>Bob</at> <blockquote>it works</blockquote>indeed", "it works\nindeed"),
        ('<at>Thanks</at> <at>Bob</at> see <a href="https://example.com/x">this</a>',
         "see this (https://example.com/x)"),
        ('<at>Thanks</at> <at>Bob</at> see <a href="https://example.com/">example.com</a>',
         "see example.com"),
        ("<at>Thanks</at> <at>Bob</at> <table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
         "a b\nc"),
        ('<at>Thanks</at> <at>Bob</at> hm<attachment id="1"></attachment>', "hm"),
        ("<at>Thanks</at> <at>Bob</at> I &lt;3 it &amp;amp; more", "I <3 it &amp; more"),
        ("<at>Thanks</at> <at>Bob</at> :tada:", ":tada:"),
        ("<at>Thanks</at> <at>Bob</at> first\nsecond", "first\nsecond"),
        ("<at>Thanks</at> <at>Bob</at> for <at>Design team</at>", "for Design team"),
    ],
)  # fmt: skip
def test_text_of_teams_arrives_as_it_was_written(text: str, message: str) -> None:
    parts = teams_parts(text, [THANKS, ("<at>Bob</at>", "UBOB")])
    assert handles(parts) == [BOB]
    assert said(parts, NAMES, None) == Said(message, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<@UBOB>'s help", "Bob's help"),
        ("<@UBOB>\u2019s help", "Bob\u2019s help"),
        ("'s <@UBOB> nachts", "'s Bob nachts"),
        ("`<@UBOB>` you stayed", "you stayed"),
        ("<@UBOB> #craft! you stayed", "you stayed"),
    ],
)
def test_what_belongs_to_a_name_stays_with_it(text: str, message: str) -> None:
    assert said(slack_parts(text), NAMES, ["craft"]).message == message


def test_addresses_have_letters_of_every_script() -> None:
    people = [Handle(email="jos\u00e9@example.com"), Handle(email="jan@m\u00fcller.nl")]
    assert handles(slack_parts("jos\u00e9@example.com and jan@m\u00fcller.nl you stayed")) == people


def test_a_mention_in_other_capitals_is_the_same() -> None:
    assert handles(teams_parts("<at>BO DAY</at> thanks", [("<at>Bo Day</at>", "29:bo")])) == [Handle("29:bo")]


def test_two_people_of_one_name_are_told_apart_by_their_order() -> None:
    text = "<at>Thanks</at> <at>Jan &amp; Co</at> and <at>Jan &amp; Co</at> you stayed"
    mentions = [THANKS, ("<at>Jan &amp; Co</at>", "UBOB"), ("<at>Jan & Co</at>", "UCY")]
    assert handles(teams_parts(text, mentions)) == [BOB, CY]
    span = '<span itemscope itemtype="http://schema.skype.com/Mention" itemid="1">Jan &amp; Co</span> you'
    assert handles(teams_parts(span, mentions)) == [BOB]
    assert handles(teams_parts("you, <at>Jan &amp; Co</at>", [])) == []
