"""The view of a run, a fleet or a search in a notebook."""

import re
from html.parser import HTMLParser

import pytest
from helpers.report_runs import HOSTILE

import cutaway as ca
from cutaway.learn.fit import fit
from cutaway.learn.fleet import launch
from cutaway.learn.recipe import Recipe
from cutaway.learn.search import launch as search
from cutaway.show.jobs import VIEWS

RECIPE = Recipe(model="mlp", data=f"own:{HOSTILE}", epochs=3, lr=0.05)


class Seen(HTMLParser):
    """The elements of a piece of a page, its text, and what it would fetch."""

    def __init__(self, html: str):
        super().__init__()
        self.elements, self.text, self.fetched, self.open = [], "", [], []
        self.feed(html)
        assert self.open == []  # a notebook goes on after it

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href", "onerror")]
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module", params=["run", "fleet", "search"])
def job(request, many_run, tmp_path_factory):
    images, out = many_run[1], tmp_path_factory.mktemp("jobs") / f"{HOSTILE[:20]} & x"
    if request.param == "run":
        return fit(RECIPE, images, out=out)
    if request.param == "fleet":
        return launch(RECIPE.override(replicates=2), images, way="in-turn", out=out)
    return search(RECIPE, images, trials=3, over={"lr": (0.001, 0.1)}, out=out)


def test_headline_curve_and_table(job):
    seen = Seen(job._repr_html_())
    name, value = job.headline
    assert f"{100 * value:.2f}" in seen.text
    assert name.removeprefix("val_") in seen.text
    assert {"svg", "polyline", "table"} <= set(seen.elements)
    for row in VIEWS[job.kind].rows(job).values():
        assert " ".join(row.split()) in " ".join(seen.text.split())


def test_it_needs_nothing_and_lets_nobody_in(job):
    html = job._repr_html_()
    seen = Seen(html)
    assert seen.fetched == []
    assert not {"script", "img", "iframe", "link"} & set(seen.elements)
    assert "url(" not in html
    assert len(html) < 100_000
    assert job.path.name in seen.text


def test_its_style_stays_its_own(job):
    style = re.search(r"<style>(.*?)</style>", job._repr_html_(), re.S)[1]
    rules = re.findall(r"([^{}]+)\{", re.sub(r"/\*.*?\*/", "", style, flags=re.S))
    assert len(rules) > 20
    selectors = [one.strip() for rule in rules for one in rule.split(",")]
    assert [one for one in selectors if not one.startswith(".cutaway")] == []


@pytest.mark.parametrize("kind", ["and", "segment", "implicit", "stages", "waves"])
def test_a_run_of_any_task_is_shown(kind, runs):
    run = ca.load(runs(kind)[0].path)
    name = run.task.metric(run.task.primary).label
    assert re.search(
        rf"{run.done[0]} epochs?, {re.escape(name)} [-\d.e]+( %| dB| nats)?\)$", repr(run)
    )
    seen = Seen(run._repr_html_())
    assert {"svg", "table"} <= set(seen.elements)
