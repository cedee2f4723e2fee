"""Every benchmark: make bench"""

from tests.benchmarks import disclosure, imports, load, reads, storage

for benchmark in (disclosure, reads, load, imports, storage):
    benchmark.main()
