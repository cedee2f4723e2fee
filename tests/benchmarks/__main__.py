from tests.benchmarks.table import main

main()
