"""A press of tests: what it is ordered it gives back."""

import sys

for order in sys.stdin.buffer:
    sys.stdout.buffer.write(order)
    sys.stdout.buffer.flush()
