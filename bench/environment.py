"""Environments of the peers: made once, from the files in `environments/`, outside the project."""

import subprocess
import sys
import venv
from hashlib import blake2b
from pathlib import Path

from platformdirs import user_cache_path

FILES = Path(__file__).parent / "environments"


def python_of(name: str) -> Path:
    """The interpreter of the environment that `environments/NAME.txt` describes; made if need be.

    Raises:
        SystemExit: something in it cannot be installed; pip has said what.
    """
    wanted = FILES / f"{name}.txt"
    key = blake2b(wanted.read_bytes() + sys.version.encode(), digest_size=6).hexdigest()
    folder = user_cache_path("cutaway-bench") / f"{name}-{key}"
    python, done = folder / "bin" / "python", folder / "complete"
    if not done.exists():
        print(f"Making the environment of {name} in {folder}.", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "--quiet", "-r", wanted]
        if subprocess.run(command).returncode:
            raise SystemExit(f"What {wanted} lists cannot be installed: see pip's words above.")
        done.touch()
    return python
