"""Every benchmark: make bench"""

from tests.benchmarks import load, reads, storage

for benchmark in (reads, load, storage):
    benchmark.main()
