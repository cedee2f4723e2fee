"""Every benchmark: make bench"""

from tests.benchmarks import disclosure, load, reads, storage

for benchmark in (disclosure, reads, load, storage):
    benchmark.main()
