"""`jitsi-tenant-operator contract NAMESPACE/NAME` says of a live tenant what files say of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from trial.cluster import RECORDING, Cluster, Tenant
from trial.operating import Operating
from trial.process import COMMAND

AT = "--at=2027-03-20T08:00:00Z"


async def contract(*arguments: str) -> tuple[int, str, str]:
    """Exit status, output and errors of the command."""
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        "contract",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def exported(tenant: Tenant, folder: Path) -> list[str]:
    """The options for the files that docs/contract.md has people make of a tenant."""
    kubectl = tenant.cluster.connection.kubectl
    own = "jitsitenants,jitsinotices,jitsilegalholds"
    common = "jitsiplatforms,jitsiplans,jitsiterms,jitsimaintenances,jitsitenantrecords"
    (folder / "own.yaml").write_text(kubectl("-n", tenant.namespace, "get", own, "-o", "yaml"))
    (folder / "shared.yaml").write_text(kubectl("get", common, "-o", "yaml"))
    return ["-f", str(folder / "own.yaml"), str(folder / "shared.yaml")]


async def test_it_says_of_a_live_tenant_what_files_say(
    cluster: Cluster, operator: Operating, tmp_path: Path
) -> None:
    tenant = await cluster.tenant(RECORDING)
    await tenant.ready()
    await tenant.change({"suspension": {"service": {"reason": "Security"}}})
    await operator.quiet()
    name = f"{tenant.namespace}/{tenant.name}"
    live = [name, "--kubeconfig", str(cluster.connection.kubeconfig)]
    files = exported(tenant, tmp_path)
    for more in ([AT], [AT, "-o", "json"], [AT, "--until=2028-12-31"]):
        status, out, err = await contract(*live, *more)
        assert (status, err) == (0, "")
        assert (status, out, err) == await contract(*files, *more)
    found = json.loads((await contract(*live, "-o", "json"))[1])
    assert (found["tenant"], found["phase"]) == (name, "Suspended")


async def test_what_is_not_there_is_said(cluster: Cluster) -> None:
    options = ["--kubeconfig", str(cluster.connection.kubeconfig)]
    status, out, err = await contract("tenant-nobody/nobody", *options)
    assert (status, out) == (1, "")
    assert "tenant-nobody/nobody" in err
    assert "Traceback" not in err
