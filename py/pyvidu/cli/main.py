"""The `pyvidu` command.

`serve` runs the embedded server, `vendor` fetches the browser runtime for its pages, `fault` orders imitated faults.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pyvidu.vendoring import VendorError, default_vendor_dir, is_vendored, package_dir, vendor
from pyvidu.vendoring.snapshot import make_snapshot

_WITHOUT_SERVER = "The pyvidu command needs the server half, which is not installed: pip install 'pyvidu[server]'"

try:
    import click

    from pyvidu.cli.fault import fault
except ModuleNotFoundError:
    sys.exit(_WITHOUT_SERVER)

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


class _Line(click.types.StringParamType):
    """Text that may contain spaces; several values in one environment variable are separated by line breaks."""

    envvar_list_splitter = "\n"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "PYVIDU"})
@click.version_option(package_name="pyvidu")
def main() -> None:
    """OpenVidu in the browser, in Python."""


main.add_command(fault)


@main.command(name="vendor")
@click.option("--into", type=_FOLDER, help="The folder to fill, instead of the one that `pyvidu serve` uses.")
def vendor_command(into: Path | None) -> None:
    """Fetch the browser runtime (Pyodide, PyScript) with npm and pip, and make the memory snapshot that pages start from.

    Does nothing when both are there.
    """
    from pyvidu.server.http.client_wheel import ClientWheel

    target = (into or default_vendor_dir()).absolute()
    already = " already" if is_vendored(target) else ""
    try:
        vendor(target, report=lambda step: click.echo(f"pyvidu vendor: {step}"))
        click.echo(f"The browser runtime is in {target}{already}.")
        make_snapshot(target, ClientWheel(package_dir()).current().content)
    except VendorError as error:
        raise click.ClickException(str(error)) from None
    click.echo("The memory snapshot of this client is there.")


@main.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; `::` means all, of both families."
)
@click.option("--port", default=4443, show_default=True, type=click.IntRange(0, 65535), help="0 selects a free one.")
@click.option("--secret", default="", envvar=["PYVIDU_SERVE_SECRET", "OPENVIDU_SECRET"],
              help="Of the REST API. Without it one is drawn and printed; 16 characters, but on loopback.")  # fmt: skip
@click.option("--eviction-timeout", default=12.0, show_default=True, type=click.FloatRange(min=0, min_open=True),
              help="Seconds without a byte after which a participant is evicted (profile default).")  # fmt: skip
@click.option("--profile", default="default", show_default=True, type=click.Choice(["default", "kurento"]),
              help="Timeouts and responses: as documented by OpenVidu, or as its Kurento-based server behaves.")  # fmt: skip
@click.option("--negotiation", default="client-offers", show_default=True,
              type=click.Choice(["client-offers", "server-offers"]),
              help="Who offers what a client receives: it itself, as with kurento, or the server (mediasoup).")  # fmt: skip
@click.option("--tls-cert", type=_FILE, help="PEM certificate chain: serve https and wss.")
@click.option("--tls-key", type=_FILE, help="PEM private key of --tls-cert.")
@click.option("--allowed-origins", multiple=True, metavar="ORIGIN",
              help="Origins that may open the WebSocket; may be repeated. All by default.")  # fmt: skip
@click.option("--allowed-host", multiple=True, metavar="HOST",
              help="A further name that clients may ask for; may be repeated. Needed behind a reverse proxy.")  # fmt: skip
@click.option("--trusted-proxy", multiple=True, metavar="ADDRESS",
              help="A proxy, or a network of them, that is believed whom it forwards for; may be repeated.")  # fmt: skip
@click.option("--fault-control", is_flag=True, help="Accept faults (`pyvidu fault`) and let pages imitate drops.")
@click.option("--demo", is_flag=True, help="Let the demo page make its own tokens (POST /demo/token).")
@click.option("--max-sessions", default=10_000, show_default=True, type=click.IntRange(1), help="At one time.")
@click.option("--max-participants", default=1_000, show_default=True, type=click.IntRange(1), help="Of one session.")
@click.option("--max-sockets", default=5_000, show_default=True, type=click.IntRange(1), help="Of one address.")
@click.option("--max-rate", default=200.0, show_default=True, type=click.FloatRange(min=1),
              help="Messages a second that are read of one WebSocket, after a burst of ten times as many.")  # fmt: skip
@click.option("--token-lifetime", default=86_400.0, show_default=True, type=click.FloatRange(min=0),
              help="Seconds after which an unused token is void; 0: never.")  # fmt: skip
@click.option("--turn-url", multiple=True, metavar="URL",
              help="A TURN server that clients are told to use, as turn:HOST:PORT; may be repeated.")  # fmt: skip
@click.option("--turn-username", default="", help="User name of the long-term credential mechanism.")
@click.option("--turn-credential", default="", help="Its password; preferably set as PYVIDU_SERVE_TURN_CREDENTIAL.")
@click.option("--webhook", metavar="URL", help="Where OpenVidu's events (participantJoined...) are posted to, as JSON.")
@click.option("--webhook-header", multiple=True, type=_Line(), metavar="'NAME: VALUE'",
              help="Sent with each of them; may be repeated. In the environment: one a line.")  # fmt: skip
@click.option("--webhook-event", multiple=True, metavar="NAME",
              help="Only these are posted; may be repeated. All by default.")  # fmt: skip
@click.option("--vendor-dir", type=_FOLDER, help="Where `pyvidu vendor --into` put the browser runtime.")
@click.option("--log-level", default="info", show_default=True,
              type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False))  # fmt: skip
def serve(**options: Any) -> None:
    """Run the embedded OpenVidu: signaling, media forwarding and pages. Ctrl-C stops it.

    Every option can be set in the environment too: PYVIDU_SERVE_PORT=4443 for --port, and so on.
    """
    try:
        from pyvidu.cli.server_options import configured
        from pyvidu.server.app import run
        from pyvidu.server.errors import ConfigurationError
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("pyvidu"):
            raise
        raise click.ClickException(f"{_WITHOUT_SERVER} (missing: {error.name})") from None
    try:
        run(configured(**options))
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
