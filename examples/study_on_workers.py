"""A study: many runs from one file, on two processes, or on a cluster by one word more.

A trial is made for every combination of photos, representations and values. Nothing is computed
twice: stop the command at any moment, and run it again. On a Ray cluster the same command has
`--ray auto`, and the results are the same, bit for bit, on processors of one kind.
"""

import csv
import subprocess
from pathlib import Path

Path("study.toml").write_text("""
representations = ["hog", "hogb", "dsift"]
loss_weight = [5, 20, 80]     # C of Equation 1
limit = 3                     # of the shipped photos
size = 160
""")

subprocess.run(["preimage", "study", "run", "study.toml", "--workers", "2"], check=True)
subprocess.run(["preimage", "study", "report", "study"], check=True)
subprocess.run(["preimage", "study", "export", "study", "trials.csv"], check=True)

with open("trials.csv", newline="") as file:
    best = min(csv.DictReader(file), key=lambda row: float(row["error"]))
print("lowest error:", best["representation"], best["loss_weight"], best["error"])
