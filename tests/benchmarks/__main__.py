"""Every benchmark: make bench"""

from tests.benchmarks import calendar, disclosure, fairness, imports, load, reads, recognition, storage, times

for benchmark in (disclosure, reads, load, imports, storage, calendar, recognition, times, fairness):
    benchmark.main()
