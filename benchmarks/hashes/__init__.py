"""Checksums of small results of every kind, to show that a change leaves all of them as they were.

    python -m benchmarks hashes --out before.json                          # of the old version
    python -m benchmarks hashes --out after.json --against before.json     # of the new one

Results are made through the public doors alone: the names of `preimage`, and its command line.
Where a change renames these, the calls here are adapted; names of results and of their parts
stay, because they are what two files are compared by. Checksums hold for one processor and one
version of torch: compare files of the same machine.
"""
