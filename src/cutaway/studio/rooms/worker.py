"""The process that computes pieces: `python -m cutaway.studio.rooms.worker`.

A line of input asks for a piece, `{"id", "room", "piece", "settings"}`, for the verdicts on a
room's claims, `{"id", "claims": room}`, or for one to be tested, `{"id", "test": number}`. Each
answer to a piece is a line with figures, after which it waits for `{"more": true}`, or for
`{"more": false}` from whom that is enough. `{"end": true}` comes last. It computes in one thread:
several of them share a computer with a training.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import torch

from cutaway.errors import CutawayError
from cutaway.figures.serialization import pack
from cutaway.studio.rooms import piece_of, room_of
from cutaway.studio.rooms.verdicts import tested, verdicts
from cutaway.studio.wire import own_output


def main() -> None:
    torch.set_num_threads(1)
    to = own_output()
    for line in sys.stdin:
        question = json.loads(line)
        if "id" in question:  # else it was said to an answer that had ended by itself
            answer(question, sys.stdin, to)


def answer(question: Mapping[str, Any], source: TextIO, to: TextIO) -> None:
    """Answer one question, however it ends."""

    def say(**message: Any) -> None:
        to.write(json.dumps({"id": question["id"]} | message, allow_nan=False) + "\n")
        to.flush()

    try:
        if "claims" in question:
            say(claims=verdicts(room_of(question["claims"]).claims))
        elif "test" in question:
            say(claims=tested(question["test"]))
        else:
            piece = piece_of(question["room"], question["piece"])
            for figures in piece.draw(piece.settled(question["settings"])):
                say(figures=pack(list(figures)))
                if not json.loads(source.readline() or "{}").get("more"):
                    break
    except CutawayError as error:
        say(error=str(error))
    say(end=True)


if __name__ == "__main__":
    main()
