"""`cutaway judge`: people tell real images from those that a network has drawn."""

from typing import Annotated

import typer

from cutaway.cli.app import RunPath, app, single


@app.command(epilog="Example: cutaway judge runs/dcgan-mnist-1 --images 100")
def judge(
    run: RunPath,
    images: Annotated[
        int, typer.Option(min=20, max=2000, help="Real and drawn images that a visitor sees.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed: decides which ones.")] = 0,
    feedback: Annotated[
        bool,
        typer.Option(
            "--feedback",
            help="Say after each answer whether it was right. It teaches the visitor, so such "
            "answers count in no figure of all.",
        ),
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free port.")] = 8000,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other computers connect.")] = "127.0.0.1",
) -> None:
    """Open a page on which people tell real images from those that a GAN or VAE has drawn.

    Blind and shuffled, one image at a time. Each answer is written to RUN/judgements.jsonl before
    the next image is shown: whatever is killed, a visitor goes on where he was.
    `cutaway prove 7.8 --answers RUN` decides by these answers.
    """
    from cutaway.cli.serve import check_installed

    check_installed()
    from cutaway.learn.judgements import FILE, read
    from cutaway.ship.judge.app import Wanted, make_app
    from cutaway.ship.judge.deck import Source
    from cutaway.ship.judge.outcome import total
    from cutaway.ship.serve.server import run as answer
    from cutaway.ship.serve.settings import Settings, usual_rate

    opened = single(run, "judge")
    settings = Settings(max_mb=0.1, rate=usual_rate(host))
    answer(
        lambda: make_app(Source(opened), Wanted(images, seed, feedback), settings),
        settings.timeout, host, port,
        lambda url: typer.echo(f"Judging {run} at {url}"),
    )  # fmt: skip
    typer.echo(total(list(read(opened.path / FILE).values())))
