"""What Cutaway keeps for each image of a data set and each member of a fleet, and how that grows.

    python scripts/scale.py            # measures what docs/scale.json lacks: an hour, 10 GB
    python scripts/scale.py split      # this anew, the rest as it was
    python scripts/scale.py table      # the tables of docs/scale.md anew

Images and members are synthetic, the code that handles them is Cutaway's own. Each measurement is a
process of its own: the memory at its peak and afterwards, less that before, and the processor's
seconds. A size is left out where those before tell that it would take more than 9.5 GB or ten
minutes.
What an entry takes is the slope between the two largest sizes, by which larger ones are foretold.
"""

import gc
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT, PAGE = ROOT / "docs" / "scale.json", ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- made by scripts/scale.py -->\n", "<!-- end of what was made -->\n"
MOST_BYTES, MOST_SECONDS = 9.5e9, 600.0
CLASSES, IMAGES, MEMBERS = 10_000, 10**9, 10**5
Work = Callable[[], Any]
Rows = dict[str, dict[str, float]]
MEASURES: dict[str, tuple[Callable[[int], Work], tuple[int, ...], str]] = {}
"""By name what prepares a number of entries and gives the work; the sizes; what it is."""


def measure(about: str, *sizes: int) -> Callable[[Callable[[int], Work]], Callable[[int], Work]]:
    def enter(prepare: Callable[[int], Work]) -> Callable[[int], Work]:
        MEASURES[prepare.__name__] = prepare, sizes or (10**6, 10**7, 10**8), about
        return prepare

    return enter


def name(i: int) -> str:
    return f"class_{i % CLASSES:04}/{i:010}.jpg"


def image_set(n: int) -> Any:
    """Images of one pixel that take no memory; all else is as of any set."""
    import torch

    from cutaway.data.imageset import ImageSet, Numbered

    pixels = torch.zeros(1, 1, 1, 1, dtype=torch.uint8).expand(n, 1, 1, 1)
    classes = tuple(f"class_{i:04}" for i in range(CLASSES))
    return ImageSet(pixels, torch.arange(n) % CLASSES, classes, Numbered("image", n))


@measure("classes of the images (`ImageSet.targets`)")
def targets(n: int) -> Work:
    return lambda: image_set(n).targets


@measure("names of the images, as text")
def names(n: int) -> Work:
    return lambda: [name(i) for i in range(n)]


@measure("files of a folder before they are decoded (`Sample`)")
def samples(n: int) -> Work:
    from cutaway.data.sample import Sample

    return lambda: [Sample(f"/data/photographs/{name(i)}", i % CLASSES, name(i)) for i in range(n)]


@measure("a folder of real files walked through, their sizes and times asked", 10**4, 10**5, 10**6)
def folder(n: int) -> Work:
    from cutaway.data.files import folder_samples
    from cutaway.data.sample import stamp

    root = Path(tempfile.mkdtemp(dir=os.environ["CUTAWAY_SCALE"]))
    for c in range(min(CLASSES, n // 10)):
        (root / f"class_{c:04}").mkdir()
    for i in range(n):
        (root / f"class_{i % min(CLASSES, n // 10):04}" / f"{i:010}.jpg").touch()

    def work() -> Any:
        found = folder_samples(root)[0]
        return found, [stamp(one.source) for one in found]

    return work


@measure("a table of names and classes read (`sheet`)", 10**5, 10**6, 10**7)
def table(n: int) -> Work:
    from cutaway.data.sheet import sheet

    path = Path(os.environ["CUTAWAY_SCALE"]) / "table.csv"
    with open(path, "w") as file:
        file.write("image,label\n")
        file.writelines(f"{name(i)},class_{i % CLASSES:04}\n" for i in range(n))
    return lambda: (sheet(path), {"disk": path.stat().st_size})


@measure("the key of the packed images in the cache (`cache.digest`)")
def key(n: int) -> Work:
    from cutaway.data import cache

    every = [name(i) for i in range(n)]
    stamps = [(i, (i, i * 10**9, i * 10**9)) for i in range(n)]
    return lambda: cache.digest(2, None, every, stamps)


@measure("exact copies looked for (`duplicates.exact`)")
def exact(n: int) -> Work:
    import torch

    from cutaway.data import duplicates

    images = torch.arange(n).view(torch.uint8).view(n, 2, 2, 2)
    return lambda: duplicates.exact(images)


@measure("near copies looked for, in pictures of 16 x 16 (`duplicates.near`)", 10**5, 10**6, 10**7)
def near(n: int) -> Work:
    import torch

    from cutaway.data import duplicates

    draws = torch.Generator().manual_seed(0)
    images = torch.randint(256, (n, 16, 16, 1), dtype=torch.uint8, generator=draws)
    return lambda: duplicates.near(images, torch.arange(n))


@measure("the split drawn (`split`)")
def split(n: int) -> Work:
    import torch

    from cutaway.data.split import split

    images = image_set(n)
    return lambda: split(images, duplicates=torch.arange(n))


@measure("the split written and read again (`split.json`)")
def split_file(n: int) -> Work:
    import torch

    from cutaway.data.split import Split

    side = torch.rand(n, generator=torch.Generator().manual_seed(0))
    parts = [torch.nonzero(part)[:, 0] for part in (side < 0.7, (side >= 0.7) & (side < 0.8),
                                                    side >= 0.8, side > 1)]  # fmt: skip
    path = Path(os.environ["CUTAWAY_SCALE"]) / "split.json"

    def work() -> Any:
        Split(*parts, 0, "", (0, 0), 0.0, 0.0).save(path)
        return Split.load(path), {"disk": path.stat().st_size}

    return work


@measure("the order of an epoch (`Feed.order`)")
def order(n: int) -> Work:
    import torch

    from cutaway.data.feed import Feed, Normalise

    images, index = image_set(n), torch.arange(n)

    def work() -> Any:
        feed = Feed(images, index, batch_size=256, normalise=Normalise((0.5,), (0.5,)))
        return feed, feed.batches_per_epoch, feed.order(1)

    return work


@measure("a seed for each (`randomness.derive`)", 10**6, 10**7)
def seeds(n: int) -> Work:
    from cutaway.randomness import derive

    return lambda: sum(derive(0, "augment", i) & 1 for i in range(n))


@measure(f"answers to test images of {CLASSES:,} classes, measured", 10**3, 10**4, 10**5)
def answers(n: int) -> Work:
    import torch

    from cutaway.learn.classification import Classification

    def work() -> Any:
        draws = torch.Generator().manual_seed(0)
        p = torch.rand(n, CLASSES, generator=draws)
        p /= p.sum(1, keepdim=True)
        classes = image_set(1).classes
        evaluation = Classification(classes, torch.arange(n), torch.arange(n) % CLASSES, p)
        evaluation.summary()
        return evaluation, {"disk": sum(one.nbytes for one in evaluation.tensors().values())}

    return work


def small_fleet(n: int) -> Any:
    """A fleet of so many members on disk; none has begun."""
    from cutaway.learn.directory import Place
    from cutaway.learn.fleet.choice import Choice
    from cutaway.learn.fleet.fleet import Fleet, plan
    from cutaway.recipes import pair

    recipe = pair("mlp", "digits").override(model_options={"widths": "16"}, epochs=1)
    place = Place(Path(tempfile.mkdtemp(dir=os.environ["CUTAWAY_SCALE"])) / "fleet")
    choice = Choice("in-turn", "", 1, 1)
    return Fleet.create(place, recipe, plan(recipe.override(replicates=n)), choice)


def ended_fleet(n: int) -> Any:
    """The same whose members have ended: each the files of one, by hard links."""
    import cutaway as ca

    fleet = small_fleet(n)
    two = fleet.recipe.override(replicates=2)
    out = fleet.path.parent / "two"
    run = ca.fit(recipe=two, way="in-turn", out=out, progress=False).members[0].path
    for k in range(n):
        shutil.copytree(run, fleet.place(k), copy_function=os.link)
    return fleet


@measure("a fleet planned and written (`fleet.json`)", 10**3, 10**4, 10**5)
def planned(n: int) -> Work:
    def work() -> Any:
        fleet = small_fleet(n)
        return fleet.recipe, {"disk": (fleet.path / "fleet.json").stat().st_size}

    return work


@measure("the recipe of each member (`Fleet.recipe_of`)", 10**3, 10**4, 10**5)
def recipes(n: int) -> Work:
    fleet = small_fleet(n)
    return lambda: sum(fleet.recipe_of(k).seed for k in range(n))


@measure("a fleet that has ended opened, its members counted", 10**2, 10**3, 10**4)
def opened(n: int) -> Work:
    fleet = ended_fleet(n)
    files = [*fleet.place(0).rglob("*")]
    one = sum(file.stat().st_blocks * 512 for file in files)
    print(len(files), "files a member")
    return lambda: (fleet.members, fleet.done, {"disk": one * n})


@measure("the results of a fleet (`Fleet.conclude`)", 10**2, 10**3, 10**4)
def concluded(n: int) -> Work:
    fleet = ended_fleet(n)

    def work() -> Any:
        fleet.conclude()
        return {"disk": (fleet.path / "results.json").stat().st_size}

    return work


@measure("the report of a fleet (`cutaway report`)", 10**2, 10**3, 10**4)
def reported(n: int) -> Work:
    fleet = ended_fleet(n)
    fleet.conclude()

    def work() -> Any:
        return {"disk": fleet.report().stat().st_size}

    return work


def memory(field: str) -> int:
    """`VmRSS`, what is held, or `VmHWM`, the most that was since it was last asked to forget."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def settle() -> int:
    """What is held once the allocator has given back what it can."""
    import ctypes

    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return memory("VmRSS")


def measured(which: str, n: int) -> None:
    """One measurement, in this process; prints it."""
    prepare, sizes, _ = MEASURES[which]
    prepare(sizes[0] // 10)()  # imports are none of it
    work = prepare(n)
    before = settle()
    Path("/proc/self/clear_refs").write_text("5")
    wall, cpu = time.monotonic(), time.process_time()
    result = work()
    row = {"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}
    row |= {"peak": memory("VmHWM") - before, "kept": settle() - before}
    parts = result if isinstance(result, tuple) else (result,)
    for part in parts:
        row |= part if isinstance(part, dict) and part.keys() == {"disk"} else {}
    print(json.dumps(row))


def in_a_process(which: str, n: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            [sys.executable, __file__, "--measure", which, str(n)], check=True, text=True,
            env={**os.environ, "CUTAWAY_SCALE": place}, stdout=subprocess.PIPE,
        )  # fmt: skip
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def expected(rows: Rows, field: str, n: int) -> float:
    """A figure at a size that was not measured: by the slope of the two largest that were."""
    *smaller, last = sorted(map(int, rows))
    first = smaller[-1] if smaller else 0
    slope = (rows[str(last)][field] - (rows[str(first)][field] if first else 0)) / (last - first)
    return rows[str(last)][field] + slope * (n - last)


def too_large(rows: Rows, n: int) -> bool:
    return expected(rows, "peak", n) > MOST_BYTES or expected(rows, "wall", n) > MOST_SECONDS


def main(asked: list[str]) -> None:
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for which, (_, sizes, _) in MEASURES.items():
        rows = {} if which in asked else kept.get(which, {})
        last = 0
        for n in sizes:
            if last and str(n) not in rows and too_large(rows, n):
                break
            if str(n) not in rows:
                rows[str(n)] = in_a_process(which, n)
                print(which, n, rows[str(n)], flush=True)
                kept[which] = rows
                KEPT.write_text(json.dumps(kept, indent=1) + "\n")
            last = n
    write_page(kept)


def write_page(kept: dict[str, Rows]) -> None:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + tables(kept) + END + rest.partition(END)[2])


def tables(kept: dict[str, Rows]) -> str:
    """A table of what is there for each image, and one of what is for each member."""
    every = [*MEASURES]
    cut = every.index("planned")
    blocks = []
    for noun, most, mine in (("image", IMAGES, every[:cut]), ("member", MEMBERS, every[cut:])):
        head = f"| for each {noun} | measured up to | bytes at the peak | bytes kept | on disk |"
        head += f" CPU, and its growth | all of 10^{math.log10(most):.0f} |\n" + "| --- " * 7
        rows = [line(MEASURES[one][2], kept[one], most) for one in mine if one in kept]
        blocks.append(f"{head}|\n{''.join(rows)}")
    return "\n" + "\n".join(blocks) + "\n"


def line(about: str, rows: Rows, most: int) -> str:
    """One row of a table: what an entry adds in the largest measurement, and what all come to."""
    n, row = max(map(int, rows)), rows[str(max(map(int, rows)))]
    each = [max(0.0, expected(rows, field, n + 1) - row[field]) for field in ("peak", "kept")]
    disk = f"{row['disk'] / n:,.0f}" if "disk" in row else ""
    smaller = rows.get(str(n // 10), {"cpu": 0.0})["cpu"]
    power = math.log10(row["cpu"] / smaller) if smaller > 0.05 else 1.0
    seconds = row["cpu"] * (most / n) ** max(power, 1.0)
    cells = [about, f"10^{math.log10(n):.0f}", *(f"{one:,.0f}" for one in each), disk,
             f"{row['cpu'] / n * 1e6:,.2f} µs, n^{power:.2f}",
             f"{size(expected(rows, 'peak', most))}, {duration(seconds)}"]  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def size(n: float) -> str:
    for unit, of in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if n >= of:
            return f"{n / of:,.1f} {unit}"
    return "under 1 MB"


def duration(seconds: float) -> str:
    for unit, of in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * of:
            return f"{seconds / of:,.0f} {unit}"
    return f"{seconds:,.1f} s"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measured(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:] == ["table"]:
        write_page(json.loads(KEPT.read_text()))
    else:
        main(sys.argv[1:])
