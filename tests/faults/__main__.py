"""`make faults`: the table for the guide, and exit status 1 where something acknowledged was not kept."""

import argparse
import logging
import sys

from tests.faults.injections import KINDS
from tests.faults.run import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--injections", type=int, default=10 * len(KINDS), help="at least 200 by default")
    parser.add_argument("--healed-within", type=float, default=30.0, help="seconds")
    parser.add_argument("--only", action="append", choices=list(KINDS), help="a kind; repeat it")
    parser.add_argument("--planted", action="store_true", help="a service that acknowledges too early")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    program = "tests.faults.planted" if options.planted else "app"
    outcome = run(options.only or list(KINDS), options.injections, options.healed_within, program)
    print(outcome.table())
    sys.exit(1 if outcome.faults else 0)
