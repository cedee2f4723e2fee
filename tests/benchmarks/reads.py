"""Reading metrics against answering nothing: python -m tests.benchmarks.reads"""

from functools import partial

from tests.acceptance.process import Api
from tests.benchmarks.bench import (
    batches,
    bench,
    close_and_wait,
    hire,
    median_seconds,
    open_confidential,
    send,
    show,
    submit,
)

PERSONS = 4_000
TIMES = 300
READS = {
    "/health/live": "/health/live",
    "metrics, the organisation": "/v1/metrics/satisfaction-engagement",
    "metrics, 211 groups": "/v1/metrics/satisfaction-engagement?by=organization&by=team",
}


def main() -> None:
    with bench() as run:
        survey_id = open_confidential_wave(run.api)
        close_and_wait(run.api, survey_id)
        took = {
            name: median_seconds(partial(send, run.api, "GET", path), TIMES) for name, path in READS.items()
        }
    least = took["/health/live"]
    rows = [(name, f"{1000 * one:.2f}", f"{one / least:.1f}") for name, one in took.items()]
    show(f"Reading, median of {TIMES}, one client", ("what", "milliseconds", "ratio"), *rows)


def open_confidential_wave(api: Api) -> str:
    persons = [{"respondent": name} for name in hire(api, PERSONS)]
    survey_id = open_confidential(api)
    submit(api, survey_id, batches(persons))
    return survey_id


if __name__ == "__main__":
    main()
