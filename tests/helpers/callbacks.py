"""Callbacks in a module of their own, as a fleet's processes find them."""

from dataclasses import dataclass

from cutaway.learn.callbacks import EVENTS, Callback


class Diary(Callback):
    """Every event in its order, with the name of what it was about."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def counts(self) -> dict[str, int]:
        kinds = [line.split()[0] for line in self.lines]
        return {kind: kinds.count(kind) for kind in kinds}


def _writing(event: str):
    def write(self, *about):
        place = getattr(about[0], "run", about[0])
        extra = about[1] if isinstance(about[-1], int) or len(about) == 3 else ""
        self.lines.append(f"{event} {getattr(place, 'path', place)} {extra}".strip())

    return write


for _event in EVENTS:
    setattr(Diary, _event, _writing(_event))


@dataclass
class Ledger(Callback):
    """A line a step and an epoch in a file of the run's own."""

    name: str = "ledger.txt"

    def on_step_end(self, training):
        self.note(training, f"step {training.step}")

    def on_epoch_end(self, training, row):
        self.note(training, f"epoch {row['epoch']}")

    def note(self, training, text):
        print(text)  # whatever a callback prints is no answer of its process
        with open(training.run.path / self.name, "a") as file:
            print(text, file=file)
