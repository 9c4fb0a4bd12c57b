"""Findings on disk: whole, found again by code and settings, never trusted when damaged."""

import json

from cutaway import lab
from cutaway.lab import finding_cache
from cutaway.lab.serialization import pack, plain, unpack


def test_evidence_comes_back_as_it_was(own):
    evidence = lab.claim("coins.fair").run(replicates=50).evidence
    assert unpack(json.loads(json.dumps(pack(evidence), allow_nan=False))) == evidence


def test_numbers_that_are_not_finite():
    value = (1.5, float("inf"), float("nan"), None, "x")
    back = unpack(json.loads(json.dumps(pack(value), allow_nan=False)))
    assert back[:2] == (1.5, float("inf"))
    assert back[2] != back[2]
    assert plain(value) == [1.5, None, None, None, "x"]


def test_found_again_by_settings(own):
    coin = lab.claim("coins.fair")
    finding = coin.run(replicates=50)
    finding_cache.save(finding)
    again = finding_cache.load(coin, coin.settle(replicates=50))
    assert again == finding
    assert finding_cache.load(coin, coin.settle(replicates=51)) is None


def test_damaged_files_count_for_nothing(own):
    coin = lab.claim("coins.fair")
    path = finding_cache.save(coin.run(replicates=50))
    whole = path.read_text()
    for text in ("", whole[: len(whole) // 2], "{}", '{"evidence": {"kind": "Nothing"}}'):
        path.write_text(text)
        assert finding_cache.load(coin, coin.settle(replicates=50)) is None
