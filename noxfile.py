"""The tests on every PyTorch and Python that are admitted, each in an environment of its own.

    pip install 'nox[uv]'
    nox                                # the oldest of everything, each PyTorch, each newer Python
    nox --session lowest               # the lowest version of everything that is asked for by name
    nox --session "torch(2.13)"        # that PyTorch, the newest of everything else
    nox --session python-3.14          # that Python
    nox --session lowest -- tests/see  # what follows -- goes to pytest

On Linux without an NVIDIA card, `UV_TORCH_BACKEND=cpu` before it spares gigabytes a time.
"""

import re

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
OLDEST = PROJECT["requires-python"].removeprefix(">=")
NEWER = ["3.12", "3.13", "3.14"]  # PyTorch 2.14 has no wheel for 3.15


def torches() -> list[str]:
    """Each minor version in the range that the project asks for, the oldest first."""
    asked = next(one for one in PROJECT["dependencies"] if one.startswith("torch"))
    first, end = (int(minor) for minor in re.findall(r"2\.(\d+)", asked))
    return [f"2.{minor}" for minor in range(first, end)]


def tested(session: nox.Session, *how: str) -> None:
    """Install the project with what its tests need, say what came, and run them."""
    session.install("-e", ".[test]", *how)
    session.run("python", "-c", "import sys, torch; print(sys.version, torch.__version__)")
    session.run("python", "-m", "pytest", *(session.posargs or ["-n", "auto"]))


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """The lowest version of all that pyproject.toml names."""
    tested(session, "--resolution", "lowest-direct")


@nox.session(python=OLDEST)
@nox.parametrize("version", torches(), ids=torches())
def torch(session: nox.Session, version: str) -> None:
    """One PyTorch, the newest of all else."""
    tested(session, f"torch=={version}.*")


@nox.session(python=NEWER)
def python(session: nox.Session) -> None:
    """One Python, the newest of all else."""
    tested(session)
