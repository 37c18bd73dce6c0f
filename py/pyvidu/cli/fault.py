"""The commands `pyvidu fault ...`, for a server that runs with `--fault-control` on this machine (docs/faults.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from pyvidu.server.faults.client import DEFAULT_URL, FaultClient, FaultRefused

T = TypeVar("T")


@click.group()
def fault() -> None:
    """Imitate faults: drops, delay, loss, refusals, a restart.

    The server has to run on this machine, with --fault-control. Each fault ends by itself after --seconds.
    """


def _url() -> click.Option:
    return click.Option(
        ["--url"], default=DEFAULT_URL, show_default=True, envvar="PYVIDU_URL", help="The server on this machine."
    )


def _participant() -> click.Option:
    return click.Option(["--participant"], required=True, metavar="ID", help="Its connection id, as con_XXXXXXXXXX.")


def _seconds(default: float | None = None) -> click.Option:
    # A click option that is required shows no default.
    return click.Option(
        ["--seconds"], type=float, required=default is None, default=default, show_default=True, help="At most 300."
    )


def _order(kind: str, what: str, *options: click.Option) -> None:
    """Add the command of one kind of fault."""

    def run(url: str, **told: Any) -> None:
        given = {name: value for name, value in told.items() if value is not None}
        click.echo(_line(_ask(lambda: FaultClient(url).start(kind, **given))))

    fault.add_command(click.Command(kind, callback=run, params=[*options, _url()], help=what))


_order("silent", "Packets of a participant vanish on both planes.", _participant(), _seconds())
_order(
    "dead-media",
    "As `silent`, and its media connections die: ICE does not come back by itself.",
    _participant(),
    _seconds(),
)
_order("media-only", "Its media vanishes, its WebSocket is fine.", _participant(), _seconds())
_order(
    "signaling-only",
    "Its WebSocket falls silent, its media is fine.",
    _participant(),
    _seconds(),
    click.Option(["--close"], is_flag=True, help="The WebSocket is cut off instead, and new ones are refused."),
)
_order(
    "slow",
    "Everything of a participant takes longer, each way.",
    _participant(),
    _seconds(),
    click.Option(["--delay"], type=float, required=True, metavar="MS", help="Milliseconds, each way."),
    click.Option(["--jitter"], type=float, metavar="MS", help="Up to so many milliseconds more."),
    click.Option(["--plane"], type=click.Choice(["both", "signaling", "media"]), help="Both, unless told."),
)
_order(
    "lost-notification",
    "Notifications never reach a participant.",
    _participant(),
    _seconds(60),
    click.Option(["--count"], type=int, help="The next so many; all until the end, unless told."),
    click.Option(["--method"], help="Only those of this name, as participantPublished."),
)
_order(
    "refused-resume",
    "A participant that reconnects is refused, though it is still a member.",
    _participant(),
    _seconds(60),
    click.Option(["--count"], type=int, help="The next so many times; once, unless told."),
)
_order("eviction", "The server gives up on a participant at once.", _participant())
_order(
    "restart",
    "The server forgets everything, is away for --seconds, and comes back with another life.",
    _seconds(3),
)


@fault.command(name="list", params=[_url()])
def list_(url: str) -> None:
    """Show the faults that go on."""
    faults = _ask(lambda: FaultClient(url).active())
    for one in faults:
        click.echo(_line(one))
    if not faults:
        click.echo("No fault goes on.")


@fault.command(params=[click.Argument(["fault_id"], metavar="ID"), _url()])
def end(fault_id: str, url: str) -> None:
    """End a fault before its time."""
    _ask(lambda: FaultClient(url).end(fault_id))
    click.echo(f"{fault_id} is over.")


def _ask(question: Callable[[], T]) -> T:
    try:
        return question()
    except FaultRefused as error:
        raise click.ClickException(str(error)) from None


def _line(told: dict[str, Any]) -> str:
    whose = f" of {told['participant']}" if "participant" in told else ""
    if told["kind"] == "eviction":
        return f"eviction{whose}: done"
    known = ("id", "kind", "participant", "seconds", "remaining")
    extras = "".join(f", {name} {_word(value)}" for name, value in told.items() if name not in known)
    return f"{told['id']}: {told['kind']}{whose}{extras}, {told['remaining']:.1f} s left"


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
