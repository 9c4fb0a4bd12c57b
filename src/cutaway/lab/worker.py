"""A process that tests claims for another: `cutaway.lab.crew` starts it and says which.

A line of JSON asks and a line of JSON answers. It ends when its standard input does, also in the
middle of an experiment: nobody waits for what it would find.
"""

import json
import os
import sys
from queue import SimpleQueue
from threading import Thread

from cutaway.lab import finding_cache
from cutaway.lab.crew import Answer, Task
from cutaway.lab.proving import NoFinding, test
from cutaway.lab.registry import add, claim
from cutaway.settings import as_tuples


def main(own: list[str]) -> None:
    """Answer until the input ends. What experiments print goes to standard error."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    lines: SimpleQueue[str] = SimpleQueue()
    Thread(target=_read, args=(lines,), daemon=True).start()
    for file in own:
        add(file)
    while True:
        number, settings, again = json.loads(lines.get())
        print(json.dumps(answer(Task(number, settings, again))), file=output, flush=True)


def _read(lines: "SimpleQueue[str]") -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def answer(task: Task) -> Answer:
    """Test a claim: what was found, or why nothing was."""
    one = claim(task.number)
    values = {name: as_tuples(value) for name, value in task.settings.items()}
    outcome = test(one, one.settle(**values), task.again)
    if isinstance(outcome, NoFinding):
        return {"missing": (outcome.reason, outcome.broken)}
    return {"found": finding_cache.content(outcome)}


if __name__ == "__main__":
    main(sys.argv[1:])
