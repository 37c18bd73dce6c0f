"""The package, built once, and projects that have installed it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.npm_package import pack

HERE = Path(__file__).parent
NODE_MODULES = HERE / "node_modules"

NewProject = Callable[[str], Path]


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("npm"))


@pytest.fixture(scope="session")
def new_project(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> NewProject:
    """Provide a function that makes an empty project, installs the tarball under a name, and returns the folder."""

    def make(name: str) -> Path:
        folder = tmp_path_factory.mktemp("project")
        dependencies = {name: f"file:{tarball}"}
        (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": dependencies}), "utf-8")
        command = ["npm", "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
        return folder

    return make


@pytest.fixture(scope="session")
def project(new_project: NewProject) -> Path:
    """Provide a project that has installed the package by its name."""
    return new_project("pyvidu")


@pytest.fixture(scope="session")
def aliased_project(new_project: NewProject) -> Path:
    """Provide a project that has it as its openvidu-browser."""
    return new_project("openvidu-browser")
