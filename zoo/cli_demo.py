"""`zoo demo`: the page on which language models write, and classifiers read."""

import logging
import socket
import time
from typing import Annotated

import typer
from rich.markup import escape

from zoo import registry
from zoo.console import console, errors, load_keras

SHOWN = ("char-rnn.lstm-shakespeare", "name-origin.gru", "sentiment.bilstm-rt")
PORTS = range(7860, 7960)
LOCAL = ("127.0.0.1", "localhost", "::1")


def demo(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Language models or classifiers of texts, or folders of one's own, such as ./char-rnn; "
            f"{', '.join(SHOWN)} if left out.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of the page; the first free one from 7860 on if left out.")
    ] = None,
    browser: Annotated[bool, typer.Option("--open/--no-browser", help="Open it in the web browser.")] = True,
):
    """Show a web page on which a language model writes, and each character has the colour of a cell's value."""
    names = list(dict.fromkeys(names or SHOWN))
    for name in names:  # a wrong name is said before Keras starts
        if not registry.is_folder(name):
            registry.bundle_path(name)
    port = free_port(host, port)
    load_keras()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of each compilation after the fifth
    try:
        from zoo.contrib import gradio
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        errors.print("[red]Error:[/red]", escape(str(error)))
        raise typer.Exit(1) from None
    console.print(f"Loading {', '.join(names)}, and looking for cells that follow something ...", markup=False)
    tasks = {name: registry.load(name) for name in names}
    try:
        page = gradio.page(tasks, {n: registry.catalog().split(n)[0].title for n in names if not registry.is_folder(n)})
    except gradio.NotShown as error:
        raise typer.BadParameter(str(error)) from None
    address = gradio.serve(page, host, port, browser)
    console.print(f"The page is at {address} (Ctrl-C ends it).", markup=False)
    if host not in LOCAL:
        console.print("Whoever can reach this machine can use it.")
    try:
        while page.is_running:
            time.sleep(0.2)
    except KeyboardInterrupt:
        console.print("\nEnded.")
    finally:
        page.close(verbose=False)


def free_port(host, port=None):
    """The port if it is free; without one, the first that is.

    Raises:
        OSError: it is busy, or the address is not this machine's.
    """
    for each in PORTS if port is None else [port]:
        try:
            with socket.create_server((host, each)):
                return each
        except OSError as error:
            problem = str(error.strerror).partition(" (while")[0]
    which = f"No port of {host} from {PORTS[0]} to {PORTS[-1]} can" if port is None else f"Port {port} of {host} cannot"
    remedy = "Choose one by --port." if port is None else "Choose another, or leave out --port for the first free one."
    raise OSError(f"{which} be used: {problem}. {remedy}")
