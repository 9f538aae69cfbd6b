"""`cxrspec view`."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from cxrspec.runtime.commands.options import DataFolder, SpecsFolder
from cxrspec.runtime.commands.shared import read_settings, usage

PORT = 8765
"""Tried first where no port is asked for, so that the address stays the same."""


def view(
    out: Annotated[Path | None, typer.Argument(help="An output of `cxrspec run`.", show_default="out")] = None,
    specs: SpecsFolder = None,
    data: DataFolder = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port of the page; 0 takes a free one.", min=0, max=65535, show_default=f"{PORT}, if free"),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Show the examples of an output, with their pictures and boxes, as a page in the browser on this machine."""
    import secrets
    import webbrowser

    import uvicorn

    from cxrspec.runtime.output import recover
    from cxrspec.runtime.view.corpus import Output
    from cxrspec.runtime.view.guard import HOSTS
    from cxrspec.runtime.view.server import app

    settings = read_settings(specs, data, out, None)
    recover(settings.out)
    output = Output(settings.out)
    if data is None and output.now().manifest.demo:
        from cxrspec.runtime.demo import of_demo

        settings = of_demo(settings)
    key = secrets.token_urlsafe(16)
    with _listening(HOSTS[0], port) as listening:
        address = f"http://{HOSTS[0]}:{listening.getsockname()[1]}/?key={key}"
        print(address, flush=True)
        print("Ctrl+C ends it.", file=sys.stderr)
        if (
            not no_browser and {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
        ):  # else lynx and its like would take the terminal
            webbrowser.open(address)
        config = uvicorn.Config(
            app(output, settings, key), log_level="warning", access_log=False, lifespan="off", ws="none",
            proxy_headers=False, server_header=False,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int | None) -> socket.socket:
    """A socket of the loopback address; wrong usage if the port that is asked for cannot be had."""
    try:
        return socket.create_server((host, PORT if port is None else port))
    except OSError as error:
        if port is None:
            return socket.create_server((host, 0))
        usage(f"port {port} cannot be opened: {error.strerror}", "`--port 0` takes a free one")
