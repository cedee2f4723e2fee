"""How many requests a key may make, and how many unknown keys may come from an address.

Counted in the memory of each process; told as draft 11 has RateLimit.
"""

import asyncio
import hashlib
import ipaddress
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, TypeVar
from uuid import UUID

from limits import parse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.principal import Proof
from app.core.contract import Door as ContractDoor
from app.core.contract import opened_by, token_in
from app.core.errors import TooManyRequests
from app.core.fairness import lane_within
from app.core.short_codes import is_well_spelt, typed

POLICY = "key"
IMPORT = ("POST", "/v1/imports")
WATCHED = ("/health/", "/metrics")
MOST_REMEMBERED = 100_000
"""Keys whose requests go on while their address has sent too many unknown ones."""
UNKNOWN_KEYS = (
    "Too many unknown keys came from this address: check the key, and wait as long as Retry-After says."
)
UNKNOWN_CODES = "Too many unknown codes were tried: check the code, and wait as long as Retry-After says."
EVERYBODY = "everybody"
PATIENCE_SECONDS = 20
"""How long a guess waits for those under way to be judged: as long as a page waits for its answer."""
NOWHERE = "nobody"
"""Where who asks has no IP address, as one proxy may say of all: they count as one."""
RESPOND = "/v1/respond"
Remembered = TypeVar("Remembered")
KNOWN, TOKEN, DOOR = "betrokken.key_is_known", "betrokken.token_hash", "betrokken.door"


class KnownKeys:
    """Whose the tokens are that were proven here, by their hash: for what is fair, not what is allowed."""

    def __init__(self, inviter: Callable[[str], UUID | None] = lambda _: None) -> None:
        """`inviter` says whose an invitation is, if that can be told without asking the database."""
        self.proofs: dict[str, Proof] = {}
        self.inviters: dict[str, str] = {}
        self.inviter = inviter

    def __contains__(self, token: str) -> bool:
        return token in self.proofs

    def remember(self, scope: Scope, proof: Proof) -> None:
        """Its key is a real one: made-up ones are not counted, or they would fill the memory."""
        scope[KNOWN] = True
        token = bearer_token(scope)
        if token is not None:
            self.proofs[token] = proof
            if len(self.proofs) > MOST_REMEMBERED:
                self.forget(next(iter(self.proofs)))

    def forget(self, token: str) -> None:
        self.proofs.pop(token, None)

    def proof_of(self, scope: Scope) -> Proof | None:
        return self.proofs.get(bearer_token(scope) or "")

    def remember_code(self, scope: Scope, organization_id: UUID) -> None:
        """Whose it is cannot be told by looking at it."""
        code = typed(sent_token(scope) or "")
        if code is not None:
            self.inviters[hash_of(code)] = str(organization_id)
            if len(self.inviters) > MOST_REMEMBERED:
                del self.inviters[next(iter(self.inviters))]

    def whose(self, scope: Scope) -> str:
        """The organisation of who asks, or what it invited; else their address."""
        known = self.proof_of(scope)
        return str(known.organization_id) if known else self.respondent(scope) or network_of(scope)

    def respondent(self, scope: Scope) -> str | None:
        """Of those behind one address each has a lane, among all that their organisation has."""
        token = sent_token(scope) if scope["path"] == RESPOND else None
        if token is None:
            return None
        secret = hash_of(typed(token) or token)
        inviter = self.inviters.get(secret) or self.inviter(token)
        return None if inviter is None else lane_within(str(inviter), f"{secret} {network_of(scope)}")

    def lane_of(self, scope: Scope) -> str | None:
        """Whose turn a request takes; None for who watches the service, and for a file that comes slowly."""
        is_watching = bearer_token(scope) is None and scope["path"].startswith(WATCHED)
        is_file = (scope["method"], scope["path"]) == IMPORT
        return None if is_watching or is_file else self.whose(scope)


class ForgettingMiddleware:
    """A key that is refused is known no longer."""

    def __init__(self, app: ASGIApp, keys: KnownKeys) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = bearer_token(scope)

        async def judged(message: Message) -> None:
            if token is not None and message["type"] == "http.response.start" and message["status"] == 401:
                self.keys.forget(token)
            await send(message)

        await self.app(scope, receive, judged)


class Windows:
    """Counts for each name, until a time that begins with the first has passed."""

    def __init__(self, most: int, seconds: int) -> None:
        self.most = most
        self.seconds = seconds
        self._windows: dict[str, tuple[float, int]] = {}
        self._many = MOST_REMEMBERED

    def count(self, name: str) -> None:
        ends_at, used = self._window(name)
        self._windows[name] = ends_at, used + 1
        if len(self._windows) > self._many:
            now = time.monotonic()
            self._windows = {name: window for name, window in self._windows.items() if window[0] > now}
            self._many = max(MOST_REMEMBERED, 2 * len(self._windows))

    def left(self, name: str) -> tuple[int, int]:
        """How many, and the seconds until there are as many as ever."""
        ends_at, used = self._window(name)
        return max(0, self.most - used), max(1, math.ceil(ends_at - time.monotonic()) if used else 1)

    def _window(self, name: str) -> tuple[float, int]:
        now = time.monotonic()
        found = self._windows.get(name)
        return found if found is not None and found[0] > now else (now + self.seconds, 0)


class Allowance(Windows):
    """What is left for each name: counted when the answer begins, held back from when the request came.

    Else any number of requests that come at once would find the same left. Who may wait does so until enough
    of those have been judged.
    """

    def __init__(self, limit: str) -> None:
        item = parse(limit)
        super().__init__(item.amount, item.get_expiry())
        self.held: dict[str, Counter[str]] = {}
        self.freed: dict[str, asyncio.Event] = {}

    @contextmanager
    def hold(self, name: str, what: str) -> Iterator[Callable[[], None]]:
        """One for each `what`, however often it is under way; gives what lets go of it early."""
        self.held.setdefault(name, Counter())[what] += 1
        with ExitStack() as stack:
            stack.callback(self._let_go, name, what)
            yield stack.close

    def _let_go(self, name: str, what: str) -> None:
        held = self.held[name]
        held[what] -= 1
        if not held[what]:
            del held[what]
        if not held:
            del self.held[name]
        if name in self.freed:
            self.freed.pop(name).set()

    async def turn(self, name: str, what: str) -> bool:
        """Whether it may be under way now, with others or after them; not where nothing is left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while left := self.left(name)[0]:
                    held = self.held.get(name) or Counter[str]()
                    if what in held or len(held) < left:
                        return True
                    await self.freed.setdefault(name, asyncio.Event()).wait()
        return False


class RateLimitMiddleware:
    """Counts a request when its answer begins, or it ends without one; until then it is under way, and counts
    with the others.
    """

    def __init__(self, app: ASGIApp, limit: str) -> None:
        self.app = app
        self.allowance = Allowance(limit)
        self.under_way: Counter[str] = Counter()
        self.policy = f'"{POLICY}";q={self.allowance.most};w={self.allowance.seconds}'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = bearer_token(scope)
        if token is None:
            return await self.app(scope, receive, send)
        remaining, seconds = self.allowance.left(token)
        if self.under_way[token] >= remaining:
            refusal = TooManyRequests(headers={**self.told(remaining, seconds), "Retry-After": str(seconds)})
            return await refusal.response(scope["path"])(scope, receive, send)
        self.under_way[token] += 1
        is_under_way = True

        def settle() -> None:
            nonlocal is_under_way
            if is_under_way:
                is_under_way = False
                if KNOWN in scope:
                    self.allowance.count(token)
                self.under_way[token] -= 1
                if not self.under_way[token]:
                    del self.under_way[token]

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                settle()
                if KNOWN in scope:
                    MutableHeaders(scope=message).update(self.told(*self.allowance.left(token)))
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            settle()

    def told(self, remaining: int, seconds: int) -> dict[str, str]:
        return {"RateLimit-Policy": self.policy, "RateLimit": f'"{POLICY}";r={remaining};t={seconds}'}


Door = Literal["key", "invitation", "code", "setup", "address"]


@dataclass(frozen=True)
class Guess:
    """What somebody has to know, as they sent it, by its hash."""

    secret: str
    door: Door

    def is_refused(self, status: int) -> bool:
        return status == (404 if self.door == "address" else 401)

    def is_proven(self, status: int) -> bool:
        """A key's own door says that of it: what it sent may be answered before anybody has looked."""
        return self.door != "key" and (status < 400 or status == 409)


def guess_of(scope: Scope) -> Guess | None:
    """None where nothing can be guessed: nothing secret is sent, or a code that its own last letter refutes.

    So who mistypes a code is not taken for who tries them.
    """
    door = door_of(scope)
    if door == "address":
        return Guess(hash_of(token_in(scope["path"])), door)
    hashed = bearer_token(scope)
    if door is None or hashed is None:
        return None
    code = typed(sent_token(scope) or "") if door == "invitation" else None
    if code is None:
        return Guess(hashed, door)
    return Guess(hash_of(code), "code") if is_well_spelt(code) else None


def door_of(scope: Scope) -> ContractDoor | None:
    """Each of those who guard it asks, so it is looked up once."""
    if DOOR not in scope:
        scope[DOOR] = opened_by(scope["method"], scope["path"])
    found: ContractDoor | None = scope[DOOR]
    return found


class Strangers:
    """Ends the guessing of secrets: each guess is looked up, or its signature is checked.

    Many may share an address, so what was proven here is let through, and what its signature proves; one
    secret that is not yet, in many requests at once, is one guess, and others wait until it is judged: only
    what was judged false counts. One that comes again and again, as of a program whose key is gone, uses up
    what its address has for repeats, and not what is left for another. Codes are short, so fewer are let be
    tried, from an address and from all, and each time counts.
    """

    def __init__(
        self, keys: KnownKeys, limit: str | None, codes: str | None, codes_of_all: str | None
    ) -> None:
        self.keys = keys
        self.proven: dict[str, None] = {}
        self.false: dict[tuple[str, str], None] = {}
        self.of_address = [Allowance(limit) if limit else None]
        self.of_repeats = [Allowance(limit) if limit else None]
        self.of_codes = [Allowance(one) if one else None for one in (codes, codes_of_all)]

    def is_known(self, scope: Scope, guess: Guess) -> bool:
        return guess.secret in self.keys or guess.secret in self.proven or self.is_signed(scope, guess)

    def is_signed(self, scope: Scope, guess: Guess) -> bool:
        """An invitation that nobody can have made up, as far as that is told without the database."""
        return guess.door == "invitation" and self.keys.inviter(sent_token(scope) or "") is not None

    def limits_of(self, guess: Guess, address: str) -> list[tuple[Allowance, str]]:
        allowances = self.allowances_of(guess, address)
        named = zip(allowances, (address, EVERYBODY), strict=False)
        return [(allowance, name) for allowance, name in named if allowance is not None]

    def allowances_of(self, guess: Guess, address: str) -> list[Allowance | None]:
        if guess.door == "code":
            return self.of_codes
        return self.of_repeats if (address, guess.secret) in self.false else self.of_address

    def judging(
        self, send: Send, guess: Guess, scope: Scope, let_go: Callable[[], None] = lambda: None
    ) -> Send:
        async def judged(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.learn(guess, scope, message["status"])
                let_go()
            await send(message)

        return judged

    def learn(self, guess: Guess, scope: Scope, status: int) -> None:
        if guess.is_refused(status):
            self.proven.pop(guess.secret, None)
            self.count(guess, network_of(scope))
        else:
            self.false.pop((network_of(scope), guess.secret), None)
            if guess.is_proven(status):
                remember(self.proven, guess.secret)

    def count(self, guess: Guess, address: str) -> None:
        """The first time against both: whoever tries one after the other has no more than one who repeats."""
        limits = set(self.limits_of(guess, address))
        remember(self.false, (address, guess.secret))
        for allowance, name in limits | set(self.limits_of(guess, address)):
            allowance.count(name)


def remember(some: dict[Remembered, None], one: Remembered) -> None:
    some[one] = None
    if len(some) > MOST_REMEMBERED:
        del some[next(iter(some))]


class StrangersMiddleware:
    """The guesses at keys are judged of the head of a request, those at other secrets once its body is there.

    So it stands twice, before bodies are read and behind: a body that never comes keeps nobody waiting. In
    front, who has no guess left is refused whatever they would send.
    """

    def __init__(self, app: ASGIApp, strangers: Strangers, is_behind_bodies: bool) -> None:
        self.app = app
        self.strangers = strangers
        self.is_behind_bodies = is_behind_bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guess = guess_of(scope) if scope["type"] == "http" else None
        if guess is None or (self.is_behind_bodies and guess.door == "key"):
            return await self.app(scope, receive, send)
        if self.is_behind_bodies or guess.door == "key":
            return await self.judge(guess, scope, receive, send)
        limits = self.strangers.limits_of(guess, network_of(scope))
        spent = [allowance.left(name) for allowance, name in limits]
        seconds = next((seconds for left, seconds in spent if not left), None)
        if seconds is None or self.strangers.is_known(scope, guess):
            return await self.app(scope, receive, send)
        await refuse(guess, seconds, scope, receive, send)

    async def judge(self, guess: Guess, scope: Scope, receive: Receive, send: Send) -> None:
        if self.strangers.is_known(scope, guess):
            return await self.app(scope, receive, self.strangers.judging(send, guess, scope))
        limits = self.strangers.limits_of(guess, network_of(scope))
        with ExitStack() as held:
            for allowance, name in limits:
                if not await allowance.turn(name, guess.secret):
                    seconds = allowance.left(name)[1]
                    break
                held.enter_context(allowance.hold(name, guess.secret))
            else:
                judging = self.strangers.judging(send, guess, scope, held.close)
                return await self.app(scope, receive, judging)
        await refuse(guess, seconds, scope, receive, send)


async def refuse(guess: Guess, seconds: int, scope: Scope, receive: Receive, send: Send) -> None:
    told = {"Retry-After": str(seconds), "Connection": "close"}
    refusal = TooManyRequests(UNKNOWN_CODES if guess.door == "code" else UNKNOWN_KEYS, headers=told)
    await refusal.response(scope["path"])(scope, receive, send)


def network_of(scope: Scope) -> str:
    """Of the client, or of its network where each has as many addresses as it likes."""
    try:
        address = ipaddress.ip_address(scope["client"][0])
    except (KeyError, TypeError, ValueError):
        return NOWHERE
    is_plenty = address.version == 6 and address.ipv4_mapped is None
    return str(ipaddress.ip_network((address, 64), strict=False)) if is_plenty else str(address)


def bearer_token(scope: Scope) -> str | None:
    """A hash of the token: what counts holds no key. Many ask for it, so it is reckoned once."""
    if TOKEN not in scope:
        token = sent_token(scope) if scope["type"] == "http" else None
        scope[TOKEN] = None if token is None else hash_of(token)
    found: str | None = scope[TOKEN]
    return found


def sent_token(scope: Scope) -> str | None:
    sent = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    scheme, _, token = sent.decode("latin-1").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
