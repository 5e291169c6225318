"""A study: many runs from one file, on two processes, or on a cluster by one word more.

A trial is made for every combination of photos, representations and values. Nothing is computed
twice: stop the command at any moment, and run it again. With `--ray local` Ray runs the workers;
on a cluster it is `--ray auto`. The results are the same, bit for bit, on processors of one kind.
"""

import csv
import subprocess
from importlib.util import find_spec
from pathlib import Path

Path("study.toml").write_text("""
representations = ["hog", "hogb", "dsift"]
loss_weight = [5, 20, 80]     # C of Equation 1
limit = 3                     # of the shipped photos
size = 160
""")

subprocess.run(["preimage", "study", "run", "study.toml", "--workers", "2"], check=True)
subprocess.run(["preimage", "study", "report", "study"], check=True)


def errors(store):
    """Return the error of each trial of a store, by the trial's identity."""
    subprocess.run(["preimage", "study", "export", store, "trials.csv"], check=True)
    with open("trials.csv", newline="") as file:
        return {row["key"]: float(row["error"]) for row in csv.DictReader(file)}


on_workers = errors("study")
print("lowest error:", min(on_workers.values()))

if find_spec("ray"):  # extra `ray`
    ray = ["--ray", "local", "--out", "study-on-ray"]
    subprocess.run(["preimage", "study", "run", "study.toml", *ray], check=True)
    print("the same on Ray:", errors("study-on-ray") == on_workers)
