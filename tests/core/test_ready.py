"""Answers that are made once: who asks first makes them, the rest have them as they go out."""

import asyncio
import gzip

from app.core.ready import Ready, ReadyAnswers, mark_of

LONG = b"x" * 2000


class Maker:
    def __init__(self, body: bytes = LONG) -> None:
        self.body = body
        self.times = 0

    async def __call__(self) -> bytes:
        self.times += 1
        await asyncio.sleep(0)
        return self.body


async def test_many_at_once_have_it_made_once() -> None:
    answers, make = ReadyAnswers(10**6), Maker()
    found = await asyncio.gather(*[answers.get("a", "", make) for _ in range(9)])
    assert set(found) == {Ready(LONG, is_packed=False)}
    assert make.times == 1
    assert not answers.making


async def test_it_is_packed_once_for_who_takes_it_so() -> None:
    answers, make = ReadyAnswers(10**6), Maker()
    first, again = [await answers.get("a", "br, gzip", make) for _ in range(2)]
    assert first.is_packed
    assert first.body is again.body
    assert gzip.decompress(first.body) == LONG
    assert (await answers.get("a", "gzip;q=0", make)).body == LONG
    assert not (await answers.get("b", "gzip", Maker(b"short"))).is_packed


async def test_what_was_asked_for_longest_ago_makes_room() -> None:
    answers = ReadyAnswers(5 * len(LONG))
    makers = [Maker() for _ in range(6)]
    for place, make in enumerate(makers):
        await answers.get(str(place), "", make)
        await answers.get("0", "", makers[0])
    await answers.get("1", "", makers[1])
    assert [make.times for make in makers] == [1, 2, 1, 1, 1, 1]
    kept = answers.kept
    assert kept.taken == sum(length for _, length in kept.things.values()) <= kept.size


async def test_without_room_nothing_is_kept() -> None:
    answers, make = ReadyAnswers(0), Maker()
    for _ in range(2):
        assert (await answers.get("a", "gzip", make)).is_packed
    assert make.times == 2
    assert not answers.kept.things


async def test_what_fails_is_made_again() -> None:
    answers = ReadyAnswers(10**6)

    async def fails() -> bytes:
        raise LookupError

    failed = await asyncio.gather(*[answers.get("a", "", fails) for _ in range(3)], return_exceptions=True)
    assert [type(error) for error in failed] == [LookupError] * 3
    assert (await answers.get("a", "", Maker())).body == LONG


def test_a_mark_tells_apart_whatever_settles_an_answer() -> None:
    made_of = [("a", "b"), ("b", "a"), ("a", None), ("a", "None"), ("a", ["b"]), ("ab",), ("a", "b", None)]
    assert len({mark_of(one) for one in made_of}) == len(made_of)
    assert mark_of(("a",)) == mark_of(("a",))
