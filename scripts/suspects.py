"""Wrong labels planted and found again, and images grouped without labels, on real data.

    CUTAWAY_DATA=... python scripts/suspects.py             # measures: minutes on two cores
    CUTAWAY_DATA=... python scripts/suspects.py cifar10     # this anew, the rest as it was
    python scripts/suspects.py table                        # the tables of what was measured

Of the images whose label is replaced by another class at random (5 and 20 % of them), how many are
among those that a rule suspects (recall), and how many of those that it suspects are such
(precision); average precision is that of its order. Labels that were wrong before count against
every rule alike. Groups are compared with the classes by adjusted mutual information: 0 by chance,
1 where they are the same. Writes docs/suspects.json.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, average_precision_score
from sklearn.neighbors import NearestNeighbors

from cutaway.data.copies import copies
from cutaway.data.imageset import ImageSet
from cutaway.data.sources import load
from cutaway.learn.grouping import COMPONENTS, cut, joined, silhouettes
from cutaway.learn.image_features import Features, image_features, principal_components
from cutaway.learn.suspects import of_label, out_of_fold, suspected
from cutaway.randomness import derive, generator

KEPT = Path(__file__).parents[1] / "docs" / "suspects.json"
SETS = {"digits": 1797, "mnist": 1500, "cifar10": 1000}
SHARES, SEEDS, NEIGHBOURS = (0.05, 0.2), 3, 10
Scores = dict[str, tuple[np.ndarray, np.ndarray]]


def some(name: str, count: int) -> ImageSet:
    images = load(name)
    order = torch.randperm(len(images), generator=generator(0, "suspects"))
    return images.subset(order[:count].sort().values)


def planted(targets: np.ndarray, classes: int, share: float, seed: int) -> np.ndarray:
    """The labels with a share of them replaced by another class, each alike."""
    draw = np.random.default_rng(derive(seed, "planted"))
    wrong, labels = draw.permutation(len(targets))[: round(share * len(targets))], targets.copy()
    labels[wrong] = (labels[wrong] + draw.integers(1, classes, len(wrong))) % classes
    return labels


def rules(p: np.ndarray, t: np.ndarray, x: np.ndarray) -> Scores:
    """Of each rule, whom it suspects and how much."""
    margin, own = margins(p, t), of_label(p, t)
    apart = neighbours_apart(x, t)
    return {
        "confident learning, by margin": (confident(p, t), -margin),
        "confident learning, by p(label)": (confident(p, t), -own),
        "another class is likelier": (margin < 0, -margin),
        "p(label) below 1/k": (suspected(p, t), -own),
        "most of 10 neighbours differ": (apart > 0.5, apart),
    }


def margins(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """p(label) - max p(any other class): -1 where another class is certain, 1 where the label is.

    Source: Northcutt, Jiang and Chuang 2021, 'Confident learning', section 3.2 (normalised margin).
    """
    rows, others = np.arange(len(t)), p.copy()
    others[rows, t] = -np.inf
    margin: np.ndarray = p[rows, t] - others.max(1)
    return margin


def confident(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Whether an image counts for another class than its label in the confident joint.

    It counts for class j where p_j is at least the mean of p_j over the images that are labelled j;
    of several such classes for the likeliest.

    Source: Northcutt et al. 2021, equations 1 and 2.
    """
    classes = p.shape[1]
    expected = np.array([p[t == j, j].mean() if (t == j).any() else np.inf for j in range(classes)])
    confident = np.where(p >= expected, p, -1.0)
    counted = confident.argmax(1)
    off: np.ndarray = (confident.max(1) >= 0) & (counted != t)
    return off


def neighbours_apart(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The share of the nearest neighbours that have another label."""
    x = (x - x.mean(0)) / x.std(0).clip(1e-6)
    near = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(x).kneighbors(x)[1][:, 1:]
    share: np.ndarray = (t[near] != t[:, None]).mean(1)
    return share


def measured(name: str, images: ImageSet, features: Features) -> list[dict[str, object]]:
    rows = []
    unit, true = copies(images, lambda _: None)[1].numpy(), images.targets.numpy()
    for share in SHARES:
        for seed in range(SEEDS):
            t = planted(true, len(images.classes), share, seed)
            p, wrong = out_of_fold(features, t, unit, len(images.classes)), t != true
            for rule, (found, score) in rules(p, t, features.values.numpy()).items():
                hit = int((found & wrong).sum())
                rows.append(
                    {
                        "data": name, "share": share, "seed": seed, "rule": rule,
                        "precision": hit / max(1, int(found.sum())),
                        "recall": hit / int(wrong.sum()),
                        "average_precision": float(average_precision_score(wrong, score)),
                    }
                )  # fmt: skip
    return rows


def grouped(name: str, images: ImageSet, features: Features) -> dict[str, object]:
    """Adjusted mutual information of groups and classes, by ways to group."""
    x = principal_components(features.values.numpy(), COMPONENTS)
    pixels = principal_components(images.images.flatten(1).float().numpy(), COMPONENTS)
    true = images.targets.numpy()
    classes, tree = len(images.classes), joined(x)
    scores = silhouettes(x, tree)
    chosen = max(scores, key=lambda k: scores[k])
    means = KMeans(classes, n_init=4, random_state=0)
    groups = {
        "Ward, as many as classes": cut(tree, classes),
        "Ward, by silhouette": cut(tree, chosen),
        "Ward on pixels, as many as classes": cut(joined(pixels), classes),
        "k-means, as many as classes": means.fit_predict(x),
    }
    found = {way: float(adjusted_mutual_info_score(true, one)) for way, one in groups.items()}
    return {"data": name, "features": features.made_by, "chosen": chosen, "ami": found}


def main() -> None:
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {"groups": [], "labels": []}
    for name in sys.argv[1:] or SETS:
        groups, labels = ([one for one in kept[key] if one["data"] != name] for key in kept)
        images = some(name, SETS[name])
        features = image_features(images)
        print(name, len(images), features.made_by, flush=True)
        groups.append(grouped(name, images, features))
        labels += measured(name, images, features)
        kept = {"groups": groups, "labels": labels}
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")


def table() -> None:
    """Means over the seeds: precision / recall (average precision); then the groups."""
    kept = json.loads(KEPT.read_text())
    for row in kept["groups"]:
        cells = (f"{way} {value:.2f}" for way, value in row["ami"].items())
        print(f"{row['data']} ({row['features']}), silhouette {row['chosen']}:", "; ".join(cells))
    rows = kept["labels"]
    columns = list(dict.fromkeys((row["data"], row["share"]) for row in rows))
    print("| rule |", " | ".join(f"{name}, {share:.0%}" for name, share in columns), "|")
    print("| --- |" + " --- |" * len(columns))
    for rule in dict.fromkeys(row["rule"] for row in rows):
        cells = [cell([r for r in rows if (r["data"], r["share"], r["rule"]) == (*column, rule)])
                 for column in columns]  # fmt: skip
        print(f"| {rule} |", " | ".join(cells), "|")


def cell(rows: list[dict[str, float]]) -> str:
    p, r, a = (
        100 * np.mean([row[key] for row in rows])
        for key in ("precision", "recall", "average_precision")
    )
    return f"{p:.0f} / {r:.0f} ({a:.0f})"


if __name__ == "__main__":
    table() if "table" in sys.argv else main()
