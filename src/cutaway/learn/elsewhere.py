"""What members and trials take along to other computers: their images."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from cutaway.data.carried import carry
from cutaway.data.imageset import ImageSet
from cutaway.errors import UsageError
from cutaway.files import temporary_folder
from cutaway.learn.callbacks import serialize
from cutaway.learn.execution import Execution
from cutaway.learn.job import Job
from cutaway.workplaces import Work, Workplace

IMAGES = "images.safetensors"


def work_of(job: Job, threads: int, module: str, execution: Execution) -> Work:
    """The work of training what a fleet or a search consists of.

    Args:
        threads: of each worker.
        module: the program of a worker.
    """
    return Work(
        module,
        (str(execution.checkpoint_every), serialize(execution.callback)),
        folder=job.path,
        begins_with=(job.marker,),
        environment={"OMP_NUM_THREADS": str(threads)},
    )


@contextmanager
def with_images(work: Work, images: ImageSet, place: Workplace) -> Iterator[Work]:
    """The work with a file of the images, where its place cannot load them as this computer does.

    Raises:
        UsageError: they are a stream.
        DataError: the disk is full.
    """
    if not place.apart or work.folder is None:
        yield work
        return
    with temporary_folder(work.folder.parent) as folder:
        carry(images, folder / IMAGES)
        yield replace(work, files=(*work.files, folder / IMAGES))


def expect_tasks(threads: int, execution: Execution) -> int:
    """Threads of each task of many; refuses what cannot be one.

    Raises:
        UsageError: an object or a callback of the user's own that others cannot make, or more
            threads than a task has CPUs.
    """
    if execution.augment is not None:
        raise UsageError(
            "An augmentation that is an object of yours does not reach other computers: leave out "
            "--on, or name augmentations of Cutaway."
        )
    serialize(execution.callback)
    return check_threads(threads, execution.place)


def check_threads(threads: int, place: Workplace) -> int:
    """Threads of a task: those that were asked for, else one for each of its CPUs.

    Raises:
        UsageError: it has not so many.
    """
    if threads > place.cpus:
        raise UsageError(
            f"{threads} threads take more than the {place.cpus} CPU{'s' * (place.cpus != 1)} of a "
            f"task: give --cpus {threads}, or leave out --threads."
        )
    return threads or place.cpus
