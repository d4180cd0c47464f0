"""The wheel: what is in it, what it needs, and its command. Nothing is downloaded."""

import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from email.message import Message
from importlib.util import find_spec
from pathlib import Path

import pytest
from recording import CHECKOUT

KINDS = (".css", ".html", ".js", ".py", ".typed")
HEAVY = ("aiohttp", "httpx", "kubernetes", "pydantic", "pulumi")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the checkout, by the backend that is installed."""
    if find_spec("hatchling") is None:
        pytest.skip("the build backend hatchling is not installed; requirements.txt has it")
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)], CHECKOUT)
    (built,) = folder.iterdir()
    return built


def run(command: list[str], folder: Path, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def test_the_wheel_holds_the_package_multimesh_and_nothing_else(wheel: Path) -> None:
    package = CHECKOUT / "multimesh"
    sources = {str(file.relative_to(CHECKOUT)) for file in package.rglob("*") if file.suffix in KINDS}
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "multimesh/py.typed" in sources
    assert {name for name in names if ".dist-info/" not in name} == sources
    assert {name.partition("/")[0] for name in names} == {
        "multimesh",
        f"multimesh-{metadata(wheel)['Version']}.dist-info",
    }


def test_a_clouds_sdk_is_needed_by_its_extra_alone(wheel: Path) -> None:
    required = metadata(wheel).get_all("Requires-Dist") or []
    clouds = [line.replace('"', "'") for line in required if line.startswith(("pulumi-aws", "pulumi-gcp"))]
    assert clouds == ["pulumi-aws>=7; extra == 'aws'", "pulumi-gcp>=9; extra == 'gcp'"]
    assert any(line.startswith("pulumi-kubernetes") for line in required)


def test_the_installed_command_runs(wheel: Path, tmp_path: Path) -> None:
    """It uses the packages of the tests' environment, but multimesh itself from the wheel."""
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    run([*uv, "--python", sys.executable, "--target", str(tmp_path), str(wheel)], tmp_path)
    command = tmp_path / "bin/multimesh"
    assert "verify" in run([str(command), "--help"], tmp_path, PYTHONPATH=str(tmp_path))
    where = [sys.executable, "-c", "import multimesh.stack as stack; print(stack.__file__); print(stack.project())"]
    module, project = run(where, tmp_path, PYTHONPATH=str(tmp_path)).splitlines()
    assert Path(module).is_relative_to(tmp_path)
    assert Path(project) == tmp_path, "outside of a checkout the project is that of the current directory"


def test_help_imports_nothing_that_it_does_not_need() -> None:
    code = f"import sys, multimesh.__main__; print([name for name in {HEAVY} if name in sys.modules])"
    assert run([sys.executable, "-c", code], CHECKOUT) == "[]\n"


@pytest.mark.parametrize("command", ["verify", "topology"])
def test_a_command_imports_nothing_of_the_live_page(command: str) -> None:
    """It must not wait for a web server that it does not start; what the Kubernetes client imports is its own."""
    imports = {
        "verify": "multimesh.verify.run, multimesh.verify.report, multimesh.verify.tables",
        "topology": "multimesh.topology.svg, multimesh.topology.page",
    }
    code = f"import sys, multimesh.stack, {imports[command]}\n"
    absent = ["multimesh.watch", "multimesh.check", "aiohttp.web"]
    absent += ["kubernetes", "multimesh.verify"] if command == "topology" else ["multimesh.topology"]
    shown = run([sys.executable, "-c", f"{code}print([name for name in {absent} if name in sys.modules])"], CHECKOUT)
    assert shown == "[]\n"


def test_the_package_imports_nothing_of_the_program() -> None:
    code = (
        "import pkgutil, sys, multimesh\n"
        "for module in pkgutil.walk_packages(multimesh.__path__, 'multimesh.'):\n"
        "    __import__(module.name)\n"
        "print([name for name in ('components', 'lab', 'pulumi', 'bench', 'tests') if name in sys.modules])\n"
    )
    assert run([sys.executable, "-c", code], CHECKOUT) == "[]\n"
