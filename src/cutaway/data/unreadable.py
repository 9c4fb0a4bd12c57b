"""The error of a picture that cannot be read."""


class Unreadable(Exception):
    """A picture that has to be left out: `kind` is a short stable name, `sentence` says why."""

    def __init__(self, kind: str, sentence: str):
        super().__init__(kind, sentence)
        self.kind, self.sentence = kind, sentence
