"""Every module of the client has a file of unit tests at the same place, or a reason why not.

`pytest -s tests/unit/test_mirror.py` prints which tests mirror which module. A module's tests are in `test_MODULE.py` or, if
they are many, in `test_MODULE_SUBJECT.py` too.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent
PACKAGE = TESTS.parent / "py" / "pyvidu"
NOT_OF_THE_CLIENT = ("server", "testing", "cli", "vendoring")

NO_BEHAVIOUR = "protocols and values only"
PAGE = "it calls the browser, which a fake would only imitate; "
ELSEWHERE = {
    "embedding_values": "unit/test_embedding.py: where the page gives and gets them",
    "errors": "unit/signaling/test_request_queue.py: where they are raised",
    "event_types": "type_checks/test_types.py",
    "membership/listener": NO_BEHAVIOUR,
    "outgoing": "unit/test_session_calls.py: what is sent; simulation/test_misuse.py: what is refused",
    "platform/browser/clock": f"{PAGE}browser/test_background_tab.py",
    "platform/browser/devices": f"{PAGE}browser/test_streams.py",
    "platform/browser/elements": f"{PAGE}browser/test_pyvidu_js.py",
    "platform/browser/functions": f"{PAGE}browser/test_content_security_policy.py",
    "platform/browser/host": f"{PAGE}browser/test_call.py",
    "platform/browser/inspection": f"{PAGE}browser/test_kit_in_a_page.py",
    "platform/browser/key_frames": f"{PAGE}browser/test_call.py",
    "platform/browser/loudness": f"{PAGE}browser/test_streams.py",
    "platform/browser/network": f"{PAGE}browser/test_drops.py",
    "platform/browser/peer": f"{PAGE}browser/test_call.py",
    "platform/browser/proxies": f"{PAGE}browser/test_engine.py",
    "platform/browser/recording": f"{PAGE}browser/test_own_media.py",
    "platform/browser/socket": f"{PAGE}browser/test_drops.py",
    "platform/browser/stack": f"{PAGE}browser/test_call.py",
    "platform/browser/support": f"{PAGE}browser/test_lacking_browsers.py",
    "platform/devices": NO_BEHAVIOUR,
    "platform/host": NO_BEHAVIOUR,
    "platform/network": NO_BEHAVIOUR,
    "platform/peer": NO_BEHAVIOUR,
    "platform/recording": NO_BEHAVIOUR,
    "platform/socket": NO_BEHAVIOUR,
    "properties": "unit/test_configuration.py: by the options that it checks",
    "protocol/filter_messages": "server/test_parameter_sizes.py: their parameters, at the server that handles them",
    "protocol/notifications": "unit/membership/test_room_state.py: where each is handled",
    "protocol/reasons": NO_BEHAVIOUR,
    "reconnection/actions": NO_BEHAVIOUR,
    "reconnection/evidence": NO_BEHAVIOUR,
    "reconnection/outage_facts": "unit/reconnection/test_supervisor.py: the facts in the guards of its table",
    "reconnection/recovery_states": NO_BEHAVIOUR,
    "reconnection/rtp_flow": "unit/reconnection/test_detector.py",
    "reconnection/standstill": NO_BEHAVIOUR,
    "reconnection/states": NO_BEHAVIOUR,
    "room_events": "simulation/test_handlers_in_a_return.py, simulation/test_three_scenarios.py: the events that calls fire",
    "signaling/listener": NO_BEHAVIOUR,
}
"""By module: the file below `tests/` that tests it, or why nothing does."""


@cache
def modules() -> list[str]:
    """Return the modules of the client, as paths without ending."""
    found = [path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    return sorted(path.as_posix() for path in found if path.parts[0] not in NOT_OF_THE_CLIENT)


def mirrors(module: str) -> list[str]:
    """Return the files of unit tests of a module, relative to `tests/`."""
    folder, _, name = module.rpartition("/")
    others = [other.rpartition("/")[2] for other in modules() if other.rpartition("/")[0] == folder]
    longer = [f"test_{other}" for other in others if other.startswith(f"{name}_")]
    here = HERE / folder
    found = [*here.glob(f"test_{name}.py"), *here.glob(f"test_{name}_*.py")]
    mine = [path for path in found if not any(path.stem == item or path.stem.startswith(f"{item}_") for item in longer)]
    return sorted(path.relative_to(TESTS).as_posix() for path in mine)


def test_every_module_of_the_client_has_unit_tests_or_a_reason() -> None:
    missing = []
    for module in modules():
        files = mirrors(module)
        print(f"{module:35} {', '.join(files) or ELSEWHERE.get(module, 'MISSING')}")  # noqa: T201  pytest shows it with -s
        if not files and module not in ELSEWHERE:
            missing.append(module)
    assert missing == []


def test_exceptions_are_of_modules_without_unit_tests_of_their_own_and_name_files_that_exist() -> None:
    assert [module for module in ELSEWHERE if module not in modules() or mirrors(module)] == []
    named = [word.strip(":,;") for reason in ELSEWHERE.values() for word in reason.split() if ".py" in word]
    assert [name for name in named if not (TESTS / name).exists()] == []


def test_file_of_a_module_with_a_longer_name_does_not_mirror_the_one_with_the_shorter() -> None:
    assert mirrors("stream") == ["unit/test_stream.py"]
    assert mirrors("stream_manager") == ["unit/test_stream_manager.py"]
    assert mirrors("signaling/plane") == [
        "unit/signaling/test_plane.py", "unit/signaling/test_plane_life.py", "unit/signaling/test_plane_outage.py",
    ]  # fmt: skip
