"""The commands `pyvidu fault ...`, for a server that runs with `--fault-control` on this machine (docs/faults.md)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import click

from pyvidu.server.faults.client import DEFAULT_URL, FaultClient, FaultRefused

if TYPE_CHECKING:
    from pyvidu.server.faults.orders import FaultOrder

T = TypeVar("T")


class FaultCommands(click.Group):
    """Has a command for each kind of fault besides those that are added to it.

    They are made when one of them is asked for: no other command needs pydantic, which takes long to import.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        self._complete()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None."""
        self._complete()
        return super().get_command(ctx, cmd_name)

    def _complete(self) -> None:
        from pyvidu.server.faults.orders import ORDERS

        for kind, order in ORDERS.items():
            if kind not in self.commands:
                self.add_command(_command(kind, order))


@click.group(cls=FaultCommands)
def fault() -> None:
    """Imitate faults: drops, delay, loss, refusals, a restart.

    The server has to run on this machine, with --fault-control. Each fault ends by itself after --seconds.
    """


def _where() -> list[click.Parameter]:
    """Return the options of every command: which server."""
    url = click.Option(
        ["--url"], default=DEFAULT_URL, show_default=True, envvar="PYVIDU_URL", help="The server on this machine."
    )
    key = click.Option(
        ["--key"],
        default="",
        envvar="PYVIDU_FAULT_KEY",
        help="Its key, from the address that `pyvidu serve` has printed.",
    )
    return [url, key]


@fault.command(name="list", params=_where())
def list_(url: str, key: str) -> None:
    """List the active faults."""
    faults = _ask(lambda: FaultClient(url, key).active())
    for one in faults:
        click.echo(_line(one))
    if not faults:
        click.echo("No fault is active.")


@fault.command(params=[click.Argument(["fault_id"], metavar="ID"), *_where()])
def end(fault_id: str, url: str, key: str) -> None:
    """End a fault before its time."""
    _ask(lambda: FaultClient(url, key).end(fault_id))
    click.echo(f"{fault_id} has ended.")


def _command(kind: str, order: type[FaultOrder]) -> click.Command:
    """Return the command that orders faults of one kind."""

    def run(url: str, key: str, **told: Any) -> None:
        given = {name: value for name, value in told.items() if value is not None}
        click.echo(_line(_ask(lambda: FaultClient(url, key).start(kind, **given))))

    summary = inspect.cleandoc(order.__doc__ or "").partition("\n\n")[0]
    return click.Command(kind, callback=run, params=[*_options(order), *_where()], help=summary)


def _options(order: type[FaultOrder]) -> Iterator[click.Option]:
    for name, field in sorted(order.model_fields.items(), key=lambda item: item[0] != "participant"):
        if name == "kind" or (name == "seconds" and not field.is_required()):
            continue  # a fault that has a default for its time is over at once
        usual = order.usual_seconds if name == "seconds" else None
        value = _type(field.annotation)
        yield click.Option(
            [f"--{name}"],
            type=value,
            is_flag=value is bool,
            required=field.is_required() and usual is None,
            default=usual,
            show_default=True,
            metavar=field.title,
            help=field.description,
        )


def _type(annotation: Any) -> Any:
    """Return the type of an option whose field has `annotation`, which may have bounds and allow None."""
    while get_origin(annotation) in (Annotated, Union, UnionType):
        annotation = get_args(annotation)[0]
    return click.Choice(get_args(annotation)) if get_origin(annotation) is Literal else annotation


def _ask(question: Callable[[], T]) -> T:
    try:
        return question()
    except FaultRefused as error:
        hint = ": pass it with --key, or as PYVIDU_FAULT_KEY" if "key is missing" in str(error) else ""
        raise click.ClickException(f"{error}{hint}") from None


def _line(told: dict[str, Any]) -> str:
    whose = f" of {told['participant']}" if "participant" in told else ""
    if told["kind"] == "eviction":
        return f"eviction{whose}: done"
    known = ("id", "kind", "participant", "seconds", "remaining")
    extras = "".join(f", {name} {_word(value)}" for name, value in told.items() if name not in known)
    return f"{told['id']}: {told['kind']}{whose}{extras}, {told['remaining']:.1f} s left"


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
