"""What holds for each small page that a mail leads to."""

import base64
import hashlib
import re

import httpx

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def assert_framed(page: httpx.Response, words: str) -> None:
    """It fits a phone, has the pages' look, which its policy lets through, and is in both languages."""
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page.text
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["content-security-policy"]
    assert "--accent" in style
    assert {"nl", "en"} <= set(re.findall(r'<p lang="(\w\w)">', page.text))
    assert page.headers["cache-control"] == "no-store"
    assert words in page.text
