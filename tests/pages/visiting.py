"""What somebody does with a page, and what is noticed meanwhile."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

OF_THE_NETWORK = "Failed to load resource"
"""Chromium's own line in the console for each answer that is no success, and for none."""
REPORT = """document.addEventListener("securitypolicyviolation", ({ violatedDirective }) =>
  console.error("against the policy", violatedDirective))"""
FOCUSED = """() => {
  const { id, name, type, value } = document.activeElement;
  return { id, name, type, value };
}"""


FORGETFUL = """Object.defineProperty(window, "sessionStorage", {
  get() { throw new DOMException("denied", "SecurityError"); } })"""
"""A browser that lets pages keep nothing."""
AXE = {"preload": False}
"""It would put styles of a shadow into the page, which the policy forbids; no rule that is on needs them."""


@dataclass
class Visit:
    page: Any
    address: str
    faults: list[str] = field(default_factory=list)
    others: tuple[str, ...] = ()
    """Where else this visit goes, whose pages are not ours."""

    async def watch(self) -> None:
        """For errors, reports of the policy, requests to elsewhere, and files that are not there."""
        await self.page.add_init_script(REPORT)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._said)
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(OF_THE_NETWORK):
            self.faults.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", *self.others)):
            self.faults.append(f"asked for {request.url}")

    def _answered(self, response: Any) -> None:
        is_ours = response.url.startswith(self.address) and "/v1/" not in response.url
        if is_ours and response.status not in (200, 304):
            self.faults.append(f"{response.url} is {response.status}")

    async def open(self, token: str = "", view: str = "welcome") -> None:
        await self.page.goto(f"{self.address}/respond" + (f"#{token}" if token else ""))
        await self.arrive(view)

    async def look(self, key: str = "", view: str = "results", choice: str = "") -> None:
        """At the dashboard; what it then still draws is drawn."""
        await self.page.goto(f"{self.address}/{choice}" + (f"#{key}" if key else ""))
        await self.arrive(view)
        await self.page.wait_for_load_state("networkidle")

    async def arrive(self, view: str) -> None:
        await self.page.wait_for_selector(f'body[data-view="{view}"]')

    async def text(self, selector: str = "main") -> str:
        return str(await self.page.inner_text(selector))

    async def shows(self, words: str) -> bool:
        return words in await self.text()

    async def says(self, selector: str, words: str) -> None:
        """Once it does."""
        await self.page.locator(selector, has_text=words).wait_for()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)

    async def focused(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.page.evaluate(FOCUSED)
        return found

    async def tab_to(self, wanted: str) -> None:
        """By the keyboard alone, and not around the page again."""
        for _ in range(200):
            await self.press("Tab")
            if (await self.focused())["id"] == wanted:
                return
        raise AssertionError(f"the keyboard does not come to {wanted}")

    async def violations(self) -> list[str]:
        """What axe finds wrong in both themes, and whether somebody has to scroll sideways."""
        found = []
        view = await self.page.get_attribute("body", "data-view")
        if await self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{view} is too wide")
        for scheme in ("light", "dark"):
            await self.page.emulate_media(color_scheme=scheme)
            results = await axe().run(self.page, options=AXE)
            found += [f"{scheme} {view}: {results.generate_report()}"] if results.violations_count else []
        return found


@cache
def axe() -> Any:
    from axe_playwright_python.async_playwright import Axe  # noqa: PLC0415 where Chromium is, it is too

    return Axe()
