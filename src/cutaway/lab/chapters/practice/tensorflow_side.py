"""What TensorFlow can do, told to claim 8.5 by a Python that has it.

Run by that Python as a program, which needs nothing of Cutaway: it reads questions, `facts` or
`time`, one a line, and answers each with a line of JSON.
"""

import importlib
import json
import os
import sys
import tempfile
from time import process_time
from typing import Any

WIDTH, BATCH, SIDE = 128, 64, 28
STEPS, TIMES = 20, 3


def facts(tf: Any) -> dict[str, Any]:
    """What is so of this TensorFlow, by name."""
    with tempfile.TemporaryDirectory() as folder:
        answers = file_answers(tf, folder)
    return {
        "version": tf.__version__, "eager": bool(tf.executing_eagerly()),
        "learns": learns_without_graph(tf), "seen": layers_seen(tf),
        "closed": closed_in_a_graph(tf), "file": answers, "mobile": mobile(tf),
    }  # fmt: skip


def network(tf: Any, inputs: int, width: int, outputs: int) -> list[Any]:
    """The weights of a perceptron with one hidden layer."""
    draw = tf.random.Generator.from_seed(0)
    shapes = (inputs, width), (width,), (width, outputs), (outputs,)
    return [tf.Variable(draw.normal(s) * (1 / max(1, s[0])) ** 0.5) for s in shapes]


def answer(tf: Any, v: list[Any], x: Any) -> tuple[Any, Any]:
    """The hidden layer's outputs, and those of the network."""
    hidden = tf.nn.relu(x @ v[0] + v[1])
    return hidden, hidden @ v[2] + v[3]


def learns_without_graph(tf: Any) -> bool:
    """Whether a plain Python loop, in which no graph is defined, learns XOR."""
    x, t = tf.constant([[0.0, 0], [0, 1], [1, 0], [1, 1]]), tf.constant([0, 1, 1, 0])
    v = network(tf, 2, 16, 2)
    for _ in range(300):
        with tf.GradientTape() as tape:
            loss = loss_of(tf, answer(tf, v, x)[1], t)
        for one, slope in zip(v, tape.gradient(loss, v), strict=True):
            one.assign_sub(0.5 * slope)
    return bool((answer(tf, v, x)[1].numpy().argmax(1) == t.numpy()).all())


def layers_seen(tf: Any) -> float:
    """Share of the layers (%) whose weights and outputs are numbers while the network runs."""
    v = network(tf, 2, 4, 2)
    outputs = answer(tf, v, tf.ones((1, 2)))
    there = [one.numpy().size > 0 for one in (*outputs, v[0], v[2])]
    return 100 * sum(there) / 4


def closed_in_a_graph(tf: Any) -> bool:
    """Whether inside a `tf.function` outputs are no numbers that Python could look at."""
    looked: list[bool] = []

    @tf.function
    def run(x: Any) -> Any:
        hidden, out = answer(tf, v, x)
        looked.append(hasattr(hidden, "numpy"))
        return out

    v = network(tf, 2, 4, 2)
    run(tf.ones((1, 2)))
    return not any(looked)


def module(tf: Any) -> tuple[Any, Any]:
    """A network to export, with its function."""
    holder = tf.Module()
    holder.v = network(tf, 4, 8, 2)
    signature = [tf.TensorSpec([None, 4], tf.float32)]
    holder.run = tf.function(lambda x: answer(tf, holder.v, x)[1], input_signature=signature)
    return holder, holder.run


def file_answers(tf: Any, folder: str) -> bool:
    """Whether a file answers as the network did, without the network's code."""
    holder, run = module(tf)
    x = tf.ones((3, 4))
    tf.saved_model.save(holder, folder)
    loaded = tf.saved_model.load(folder)
    return bool(abs(loaded.run(x) - run(x)).numpy().max() < 1e-6)


def mobile(tf: Any) -> str:
    """The size of the same network for telephones, or why there is none."""
    try:
        holder, run = module(tf)
        concrete = run.get_concrete_function()
        made = tf.lite.TFLiteConverter.from_concrete_functions([concrete], holder).convert()
        return f"{len(made)} bytes"
    except Exception as error:  # each version has reasons of its own
        return f"no: {type(error).__name__}"


def loss_of(tf: Any, s: Any, t: Any) -> Any:
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=t, logits=s))


class Steps:
    """Steps of learning, as a graph and operation by operation."""

    def __init__(self, tf: Any):
        self.tf, self.v = tf, network(tf, SIDE * SIDE, WIDTH, 10)
        draw = tf.random.Generator.from_seed(1)
        self.x, self.t = draw.normal((BATCH, SIDE * SIDE)), tf.constant([i % 10 for i in range(64)])
        self.graph = tf.function(self.step)

    def step(self) -> Any:
        with self.tf.GradientTape() as tape:
            loss = loss_of(self.tf, answer(self.tf, self.v, self.x)[1], self.t)
        for one, slope in zip(self.v, tape.gradient(loss, self.v), strict=True):
            one.assign_sub(0.01 * slope)
        return loss

    def seconds(self) -> dict[str, float]:
        """The processor's time of a step, the least of several."""
        return {name: least(run) for name, run in (("graph", self.graph), ("eager", self.step))}


def least(run: Any) -> float:
    run()
    spent = []
    for _ in range(TIMES):
        start = process_time()
        for _ in range(STEPS):
            run().numpy()
        spent.append((process_time() - start) / STEPS)
    return min(spent)


def main() -> None:
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    said, sys.stdout = sys.stdout, sys.stderr  # the library prints, too
    tf = importlib.import_module("tensorflow")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    steps = Steps(tf)
    for line in sys.stdin:
        found = facts(tf) if line.strip() == "facts" else steps.seconds()
        print(json.dumps(found), file=said, flush=True)


if __name__ == "__main__":
    main()
