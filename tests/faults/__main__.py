"""`make faults`: the table for the guide, and exit status 1 where something acknowledged was not kept.

Also where a kind was not injected that this machine can do: what it cannot is said in the table.
"""

import argparse
import logging
import sys
from functools import partial

from tests.faults.injections import KINDS
from tests.faults.load import KINDS as WORK
from tests.faults.run import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--injections", type=int, default=10 * len(KINDS), help="by default ten of each kind")
    parser.add_argument("--healed-within", type=float, default=30.0, help="seconds")
    parser.add_argument("--only", action="append", choices=list(KINDS), help="a kind; repeat it")
    parser.add_argument("--planted", action="store_true", help="a service that acknowledges too early")
    parser.add_argument("--load", action="append", choices=WORK, help="a kind of work; repeat it")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    outcome = run(
        options.only or list(KINDS),
        options.injections,
        options.healed_within,
        program="tests.faults.planted" if options.planted else "app",
        work=options.load or WORK,
        told=partial(print, file=sys.stderr, flush=True),
    )
    print(outcome.table())
    sys.exit(0 if outcome.is_good else 1)
