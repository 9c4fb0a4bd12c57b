"""Run the tests that compute as other processors would: both precisions, AVX2 and the best set.

    python scripts/processors.py             # every combination, one after the other
    python scripts/processors.py --others    # all but the one that plain `pytest` has covered
    python scripts/processors.py --opposite  # only the one that differs from it in both

`--opposite` and plain `pytest` together cover each precision and each set once; `--others` also
finds what only two of them together break.

What each run covered stands in its last line. Arguments after `--` go to pytest.
"""

import argparse
import os
import subprocess
import sys
from itertools import product

import torch

from cutaway.learn.runtime import multiplies_bfloat16

ROOMS = ("tests/learn", "tests/see", "tests/ship", "tests/byhand", "tests/lab", "tests/models")
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}


def combinations() -> list[dict[str, str]]:
    """Environment variables of each; the one of plain `pytest` first, its opposite last."""
    own = "bfloat16" if multiplies_bfloat16("cpu") else "float32"
    other = {"bfloat16": "float32", "float32": "bfloat16"}[own]
    better = torch.backends.cpu.get_cpu_capability() not in ("AVX2", "DEFAULT")
    sets = [{}, AVX2] if better else [{}]
    return [{"CUTAWAY_PRECISION": p} | s for s, p in product(sets, (own, other))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--others", action="store_true", help="leave out what `pytest` covers")
    which.add_argument("--opposite", action="store_true", help="only the other precision and set")
    parser.add_argument("pytest", nargs="*", help="further arguments of pytest")
    asked = parser.parse_args()
    failed = []
    for switches in combinations()[-1 if asked.opposite else asked.others :]:
        said = " ".join(f"{name}={value}" for name, value in switches.items())
        print(f"+ {said} pytest -n auto {' '.join(ROOMS)}", flush=True)
        command = [sys.executable, "-m", "pytest", "-n", "auto", *ROOMS, *asked.pytest]
        if subprocess.run(command, env=os.environ | switches, check=False).returncode:
            failed.append(said)
    for said in failed:
        print(f"FAILED under {said}")
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
