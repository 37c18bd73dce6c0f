"""The `pyvidu` command: the options that it passes on, and its messages instead of tracebacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import pyvidu
from pyvidu.cli import main as cli
from pyvidu.server import app
from pyvidu.server.config import ServerConfig
from pyvidu.server.errors import ConfigurationError
from pyvidu.server.rooms.turn import TurnServer
from pyvidu.vendoring import VendorError


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServerConfig]:
    """Return the configurations that `serve` would have run."""
    configs: list[ServerConfig] = []
    monkeypatch.setattr(app, "run", configs.append)
    return configs


def test_serve_without_options_is_the_default_configuration(served: list[ServerConfig]) -> None:
    result = CliRunner().invoke(cli.main, ["serve"])
    assert result.exit_code == 0, result.output
    assert served == [ServerConfig()]


def test_serve_passes_every_option_to_the_configuration(served: list[ServerConfig], tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch()
    (tmp_path / "key.pem").touch()
    words = "--host ::1 --port 0 --secret s --eviction-timeout 3.5 --profile kurento --fault-control --demo --log-level debug"
    words += f" --tls-cert {tmp_path}/cert.pem --tls-key {tmp_path}/key.pem --vendor-dir {tmp_path}"
    words += " --allowed-origins https://a.example --allowed-origins https://b.example"
    words += " --trusted-proxy 10.0.0.0/8"
    words += " --allowed-host a.example --allowed-host b.example"
    words += " --turn-url turn:a.example --turn-url turns:a.example --turn-username u --turn-credential c"
    result = CliRunner().invoke(cli.main, ["serve", *words.split()])
    assert result.exit_code == 0, result.output
    assert served == [
        ServerConfig(
            host="::1",
            port=0,
            secret="s",
            eviction_timeout=3.5,
            profile="kurento",
            tls_cert=tmp_path / "cert.pem",
            tls_key=tmp_path / "key.pem",
            fault_control=True,
            demo=True,
            allowed_origins=("https://a.example", "https://b.example"),
            allowed_hosts=("a.example", "b.example"),
            trusted_proxies=("10.0.0.0/8",),
            log_level="debug",
            vendor_dir=tmp_path,
            turn=TurnServer(("turn:a.example", "turns:a.example"), "u", "c"),
        )
    ]


def test_incomplete_turn_options_exit_with_an_error_message(served: list[ServerConfig]) -> None:
    result = CliRunner().invoke(cli.main, ["serve", "--turn-url", "turn:a.example"])
    assert result.exit_code == 1
    assert result.output == "Error: A TURN server needs --turn-url, --turn-username and --turn-credential, all three\n"
    assert not served


def test_configuration_error_exits_with_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: ServerConfig) -> None:
        raise ConfigurationError("choose another --port")

    monkeypatch.setattr(app, "run", refuse)
    result = CliRunner().invoke(cli.main, ["serve"])
    assert result.exit_code == 1
    assert result.output == "Error: choose another --port\n"


@pytest.mark.parametrize("words", ["--port 70000", "--eviction-timeout 0", "--profile pro", "--tls-cert /no/such/file"])
def test_invalid_option_value_is_refused_with_the_option_name(served: list[ServerConfig], words: str) -> None:
    result = CliRunner().invoke(cli.main, ["serve", *words.split()])
    assert result.exit_code == 2
    assert words.split(maxsplit=1)[0] in result.output
    assert served == []


def test_failed_vendoring_exits_with_an_error_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object, **__: object) -> None:
        raise VendorError("npm was not found")

    monkeypatch.setattr(cli, "vendor", fail)
    result = CliRunner().invoke(cli.main, ["vendor", "--into", str(tmp_path / "new")])
    assert (result.exit_code, result.output) == (1, "Error: npm was not found\n")


def test_vendor_makes_the_snapshot_also_when_the_runtime_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(cli, "vendor", lambda target, **_: target)
    monkeypatch.setattr(cli, "is_vendored", lambda _: True)
    monkeypatch.setattr(cli, "make_snapshot", lambda target, _wheel: made.append(target))
    result = CliRunner().invoke(cli.main, ["vendor", "--into", str(tmp_path)])
    assert result.exit_code == 0
    assert made == [tmp_path]
    assert "already" in result.output


def test_version_option_prints_the_version() -> None:
    assert pyvidu.__version__ in CliRunner().invoke(cli.main, ["--version"]).output


def test_command_without_the_server_extra_prints_how_to_install_it() -> None:
    hidden = "import sys; sys.modules['click'] = None; import pyvidu.cli.main"
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    sentence = "The pyvidu command needs the server half, which is not installed: pip install 'pyvidu[server]'"
    assert done.stderr.strip() == sentence
