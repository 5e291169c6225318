#!/bin/sh
# Runs the suite as on older processors, on two threads, and beside two processes that compute.
# Usage: tests/processors.sh PYTHON

suite() {
	echo "suite: $*"
	env "$@" "$python" -m pytest --numprocesses 2 --dist loadfile || failed="$failed
failed: $*"
}

compute='import os, sys, torch
torch.set_num_threads(1)
x = torch.eye(500)
while os.getppid() == int(sys.argv[1]):
    x = (x @ x).softmax(1)'

python=$1
suite ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41
suite ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2
suite ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 PREIMAGE_TEST_THREADS=2
suite PREIMAGE_TEST_THREADS=2
for _ in 1 2; do "$python" -c "$compute" $$ & done # they end with this script, however it ends
suite PREIMAGE_TEST_THREADS=1
echo "${failed:-all green}"
test -z "$failed"
