"""`cutaway serve`: serve a trained network over HTTP."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cutaway.cli.app import app, expect_installed

LIMITS = "Limits"


@app.command(epilog="Example: cutaway serve runs/lenet5-mnist-1 --port 8000")
def serve(
    path: Annotated[
        Path, typer.Argument(metavar="RUN|FILE", help="A run, a fleet or an exported network.")
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free port.")] = 8000,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other computers connect.")] = "127.0.0.1",
    backend: Annotated[
        str, typer.Option("--with", help="torch, onnx, or auto: the faster of those available.")
    ] = "auto",
    budget_ms: Annotated[
        float, typer.Option(min=0, max=10_000, help="Milliseconds to wait for a fuller batch.")
    ] = 2.0,
    max_batch: Annotated[
        int, typer.Option(min=1, max=4096, help="Images in a batch, at most.")
    ] = 64,
    max_mb: Annotated[
        float, typer.Option(min=0.001, max=2000, help="MB in a request.", rich_help_panel=LIMITS)
    ] = 16.0,
    max_megapixels: Annotated[
        float,
        typer.Option(min=0.001, max=134, help="Megapixels in an image.", rich_help_panel=LIMITS),
    ] = 50.0,
    max_requests: Annotated[
        int,
        typer.Option(
            min=1, max=10_000, help="Requests in progress at once.", rich_help_panel=LIMITS
        ),
    ] = 256,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Requests a second of one client; 0: no limit. Default: 100 if other computers "
            "may connect.",
            rich_help_panel=LIMITS,
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=3600,
            rich_help_panel=LIMITS,
            help="Seconds for a request to arrive, and for its answer.",
        ),
    ] = 30.0,
) -> None:
    """Serve predictions over HTTP: /predict, /why, /health, /metrics, /docs, and a page to try it.

    Ctrl-C finishes the requests in progress, and ends. Another run put at the same path (a link
    that is turned, or new weights) takes over without losing a request.
    """
    check_installed()
    from cutaway.ship.serve.opening import check_backend, load_engine
    from cutaway.ship.serve.server import serve as run
    from cutaway.ship.serve.settings import Settings, usual_rate

    settings = Settings(
        budget_ms=budget_ms, max_batch=max_batch, max_mb=max_mb, timeout=timeout,
        max_pixels=int(max_megapixels * 1e6), max_requests=max_requests,
        rate=usual_rate(host) if rate is None else rate,
    )  # fmt: skip
    load = partial(load_engine, backend=check_backend(backend))
    run(path, load, settings, host, port, lambda url: typer.echo(f"Serving {path} at {url}"))


def check_installed() -> None:
    expect_installed(
        "Serving", "serve", "fastapi", "httptools", "prometheus_client", "python_multipart",
        "uvicorn",
    )  # fmt: skip
