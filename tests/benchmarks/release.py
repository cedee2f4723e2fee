"""What computing a release costs, of a process of its own: python -m tests.benchmarks.release RESPONSES"""

import json
import sys
import time
from resource import RUSAGE_SELF, getrusage

from app.metrics.disclosure import plan_release
from app.metrics.sample import Rollup
from tests.benchmarks.disclosure import K, compute, random_sample


def main(count: int) -> None:
    """Of that many in 2,001 groups with four segments, whose answers are in memory already."""
    sample = random_sample(count)
    invited = Rollup(sample.groups, sample.places).counts()
    began = time.process_time()
    plan = plan_release(sample, invited, K)
    planned = time.process_time()
    compute(sample, invited, plan)
    cpu = time.process_time()
    told = {
        "plan": planned - began,
        "numbers": cpu - planned,
        "megabytes": getrusage(RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]))
