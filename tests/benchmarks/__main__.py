"""Every benchmark: make bench"""

from tests.benchmarks import calendar, disclosure, load, reads, storage

for benchmark in (disclosure, reads, load, storage, calendar):
    benchmark.main()
