"""The pytest plugin, in projects of a user: modes of pytest-asyncio, options, reports of failed tests, and what is left."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyvidu.testing import commands, lab_unavailable_reason

STAND_IN = '''
import os, sys
from pathlib import Path

PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(os.environ.get("EXIT_CODE", "0"))))
print("OpenVidu server ready on http://localhost:4711/", flush=True)
time.sleep(60)
"""
COMMAND = (sys.executable, "-c", PROGRAM)

def note(pid):
    with Path("pids").open("a") as file:
        file.write(f"{pid}\\n")
'''


@dataclass
class Project:
    """A folder with tests of a user."""

    folder: Path

    def write(self, tests: str, name: str = "test_app.py") -> None:
        header = "import asyncio, os, signal\nimport pytest, pytest_asyncio\nfrom stand_in import COMMAND, note\n"
        (self.folder / name).write_text(header + textwrap.dedent(tests))

    def start(self, *options: str, mode: str = "strict") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--asyncio-mode", mode, *options]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *options: str, mode: str = "strict") -> str:
        with self.start(*options, mode=mode) as process:
            assert process.stdout is not None
            return process.stdout.read()

    def processes(self) -> list[int]:
        """Return the ids of the processes that the tests noted and that still run."""
        noted = self.folder / "pids"
        return [pid for pid in map(int, noted.read_text().split()) if Path("/proc", str(pid)).exists()]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return Project(tmp_path)


@pytest.fixture
def lab_allowed() -> None:
    if reason := lab_unavailable_reason():
        pytest.skip(reason)


def wait_for_end(pid: int) -> None:
    """Wait for the end of a process that is no child. Raises AssertionError after 20 s."""
    with contextlib.suppress(ProcessLookupError):
        end = os.pidfd_open(pid)
        try:
            assert select.select([end], [], [], 20)[0], f"process {pid} still runs"
        finally:
            os.close(end)


def left_of_labs() -> set[str]:
    """Return the namespaces, firewall tables, interfaces and temporary folders of labs."""
    listings = (("ip", "netns", "list"), ("nft", "list", "tables"), ("ip", "-brief", "link"))
    words = {word for listing in listings for word in commands.run(*listing).split()}
    names = {word for word in words if word.startswith(("pyvidu-lab-", "pyvidu_lab_", "pvlab"))}
    return names | {path.name for path in Path(tempfile.gettempdir()).glob("pyvidu-lab-*")}


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_tests_need_no_marker_in_either_mode_and_share_the_loop_of_the_module(project: Project, mode: str) -> None:
    project.write("""
        loops = []

        async def test_first(pyvidu_server):
            await pyvidu_server(command=COMMAND)
            loops.append(asyncio.get_running_loop())

        @pytest.mark.asyncio
        async def test_with_a_marker_of_its_own(pyvidu_server):
            await pyvidu_server(command=COMMAND)
            assert asyncio.get_running_loop() is loops[0]

        def test_without_a_loop(pyvidu_server):
            assert callable(pyvidu_server)
    """)
    assert "3 passed" in project.run(mode=mode)


def test_use_in_another_loop_fails_with_what_to_write(project: Project) -> None:
    project.write("""
        @pytest_asyncio.fixture
        async def server(pyvidu_server):
            return await pyvidu_server(command=COMMAND)

        async def test_by_fixture(server): pass

        @pytest.mark.asyncio(loop_scope="function")
        async def test_by_marker(pyvidu_server):
            await pyvidu_server(command=COMMAND)
    """)
    output = project.run()
    assert "1 failed, 1 error" in output
    assert output.count('@pytest_asyncio.fixture(loop_scope="module")') >= 2


def test_failed_test_reports_the_servers_log_and_writes_it_to_a_folder(project: Project) -> None:
    project.write("""
        async def test_app(pyvidu_server):
            await pyvidu_server(command=COMMAND)
            assert 1 == 2

        async def test_that_passes(pyvidu_server): pass
    """)
    output = project.run("--pyvidu-reports=reports")
    assert "pyvidu: log of server 1, http://127.0.0.1:4711/" in output
    assert "OpenVidu server ready on" in output
    (folder,) = (project.folder / "reports").iterdir()
    assert folder.name == "test_app.py-test_app"
    assert "ready on" in (folder / "server-1.log").read_text()


ENDINGS = {
    "fails": "assert 1 == 2",
    "is_cancelled": "raise asyncio.CancelledError",
    "lost_a_server": "os.kill(server.process.pid, signal.SIGKILL); await server.process.wait()",
    "kills_a_server": "await server.kill()",
    "stops_a_server": "assert await server.stop() == 0",
    "has_a_server_with_an_error": "await pyvidu_server(command=COMMAND, env={'EXIT_CODE': '3'})",
}


def test_no_server_is_left_however_a_test_ends(project: Project) -> None:
    for name, ending in ENDINGS.items():
        test = f"""
            async def test_that_{name}(pyvidu_server):
                server, other = await pyvidu_server(command=COMMAND), await pyvidu_server(command=COMMAND)
                note(server.process.pid), note(other.process.pid)
                {ending}
        """
        project.write(test, f"test_{name}.py")
    output = project.run("-rA")
    assert project.processes() == []
    for name in ("lost_a_server", "kills_a_server", "stops_a_server", "has_a_server_with_an_error"):
        assert f"PASSED test_{name}.py" in output
    for name in ("lost_a_server", "has_a_server_with_an_error"):
        assert f"ERROR test_{name}.py" in output
    assert "2 failed, 4 passed, 2 errors" in output
    assert "the server http://127.0.0.1:4711/ ended by itself, with exit code -9; its last output" in output
    assert "the server http://127.0.0.1:4711/ ended with exit code 3; its last output" in output


@pytest.mark.usefixtures("lab_allowed")
def test_fault_of_a_failed_test_has_ended_in_the_next_and_no_lab_is_left(project: Project) -> None:
    project.write("""
        def test_that_fails(network_lab):
            network_lab.silent_drop()
            assert 1 == 2

        def test_next(network_lab):
            import sys
            before = network_lab.counters()
            network_lab.run(sys.executable, "-c",
                            f"import socket; socket.socket(type=2).sendto(b'x', ('{network_lab.host_address}', 9))")
            assert network_lab.counters().to_host_passed > before.to_host_passed

        def test_that_closes_it(network_lab):
            network_lab.close()
    """)
    before = left_of_labs()
    assert "1 failed, 2 passed" in project.run()
    assert left_of_labs() <= before


@pytest.mark.usefixtures("lab_allowed")
def test_two_runs_at_the_same_time_have_labs_and_ports_of_their_own(project: Project) -> None:
    project.write("""
        import time
        from pathlib import Path

        async def test_app(network_lab, pyvidu_server):
            server = await pyvidu_server(lab=network_lab)
            Path(f"here-{os.getpid()}").write_text(network_lab.namespace)
            async with asyncio.timeout(120):
                while len(list(Path().glob("here-*"))) < 2:
                    await asyncio.sleep(0.01)
            network_lab.run("ip", "address", "show")
            assert await server.create_token("room")
    """)
    before = left_of_labs()
    runs = [project.start(), project.start()]
    outputs = [run.communicate()[0] for run in runs]
    assert all("1 passed" in output for output in outputs), outputs
    assert len({path.read_text() for path in project.folder.glob("here-*")}) == 2
    assert left_of_labs() <= before


def test_killed_run_leaves_no_server(project: Project) -> None:
    project.write("""
        async def test_app(pyvidu_server):
            server = await pyvidu_server()
            note(server.process.pid)
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    project.run()
    wait_for_end(int((project.folder / "pids").read_text()))


@pytest.mark.parametrize(("options", "outcome"), [((), "1 skipped"), (("--pyvidu-require-lab",), "1 error")])
def test_test_with_a_lab_is_skipped_without_root_or_fails_when_it_is_required(
    project: Project, options: tuple[str, ...], outcome: str
) -> None:
    (project.folder / "conftest.py").write_text("import os\nos.geteuid = lambda: 1000\n")
    project.write("def test_app(network_lab): pass")
    output = project.run("-rs", *options)
    assert outcome in output
    assert "network labs need root" in output


HIDE = "import sys; sys.modules['playwright'] = None; "


def test_without_the_testing_extra_pytest_runs_and_a_fixture_says_what_to_install(project: Project) -> None:
    project.write("def test_app(open_browser): pass\ndef test_other(): pass")
    command = [sys.executable, "-c", HIDE + "import pytest; pytest.main(['-q', '-p', 'no:cacheprovider'])"]
    output = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False).stdout
    assert "1 passed, 1 error" in output
    assert "pip install 'pyvidu[testing]'" in output


def test_plugin_imports_no_server_where_its_extra_is_missing() -> None:
    hidden = (
        "import sys; sys.modules.update(dict.fromkeys(['playwright', 'pydantic', 'aiohttp', 'aiortc', 'click']));"
        "import pyvidu.testing.plugin as plugin; print(plugin.INSTALLED)"
    )
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
