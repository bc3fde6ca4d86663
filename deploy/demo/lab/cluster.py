"""The cluster: its accounts, what is in it before the story, and the ways to do things in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.demo.lab.apiserver import Account, ApiServer, api_server_running
from deploy.demo.lab.errors import LabError
from deploy.demo.lab.kubelet import kubelet_running

MANIFESTS = Path(__file__).with_name("manifests")
NODE = "node-1"
FIRST_ERROR = 400

RESOURCES = {
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/{}clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/{}clusterrolebindings",
    "ConfigMap": "/api/v1/{}configmaps",
    "Deployment": "/apis/apps/v1/{}deployments",
    "Namespace": "/api/v1/{}namespaces",
    "Node": "/api/v1/{}nodes",
    "Pod": "/api/v1/{}pods",
    "ReplicaSet": "/apis/apps/v1/{}replicasets",
    "Role": "/apis/rbac.authorization.k8s.io/v1/{}roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/{}rolebindings",
    "Secret": "/api/v1/{}secrets",
    "ServiceAccount": "/api/v1/{}serviceaccounts",
}

KUBECTL = "kubectl/v1.31.4 (linux/amd64) kubernetes/a78aa47"
CONTROLLER = "kube-controller-manager/v1.31.4 (linux/amd64) kubernetes/a78aa47/system:serviceaccount:kube-system:"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The API server and everybody who calls it."""

    server: ApiServer
    setup: Account
    operator: Account
    scheduler: Account
    node: Account
    deployer: Account
    app: Account
    deployments: Account
    replicas: Account

    def do(self, account: Account, method: str, path: str, body: Any = None, kind: str = "") -> Any:
        return _do(self.server, account, method, path, body, kind)

    def create(self, account: Account, manifest: dict[str, Any]) -> Any:
        return self.do(account, "POST", collection(manifest), manifest)


def manifests(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((MANIFESTS / f"{name}.yaml").read_text()))


def collection(manifest: dict[str, Any]) -> str:
    """Return the path that objects of this kind and namespace are created under."""
    namespace = manifest["metadata"].get("namespace")
    return RESOURCES[manifest["kind"]].format(f"namespaces/{namespace}/" if namespace else "")


@contextmanager
def cluster_running(program: Path, folder: Path) -> Iterator[Cluster]:
    """Keep a cluster running that has accounts, roles, secrets and one node, and yield it."""
    setup, operator, scheduler, node = (
        _account(address, agent)
        for address, agent in (
            ("127.0.0.1", "lab"),
            ("10.20.0.31", KUBECTL),
            ("10.20.0.2", "kube-scheduler/v1.31.4 (linux/amd64) kubernetes/a78aa47/scheduler"),
            ("10.20.0.11", "kubelet/v1.31.4 (linux/amd64) kubernetes/a78aa47"),
        )
    )
    tokens = (
        f'{setup.token},lab:setup,1,"system:masters"\n'
        f'{operator.token},operator@shop.example,2,"operators"\n'
        f"{scheduler.token},system:kube-scheduler,3\n"
        f'{node.token},system:node:{NODE},4,"system:nodes"\n'
    )
    with (
        api_server_running(program, folder, tokens) as server,
        kubelet_running(server.certificate, server.key) as kubelet_port,
    ):
        _prepare(server, setup, kubelet_port)
        yield Cluster(
            server=server,
            setup=setup,
            operator=operator,
            scheduler=scheduler,
            node=node,
            deployer=_service_account(server, setup, "ci", "deployer", "10.20.0.8", KUBECTL),
            app=_service_account(server, setup, "shop", "app", "10.20.0.12", "python-httpx/0.28"),
            deployments=_controller(server, setup, "deployment-controller"),
            replicas=_controller(server, setup, "replicaset-controller"),
        )


def _account(address: str, user_agent: str) -> Account:
    return Account(secrets.token_urlsafe(24), address, user_agent)


def _prepare(server: ApiServer, setup: Account, kubelet_port: int) -> None:
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet_port}},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
    for manifest in [*manifests("setup"), node]:
        _do(server, setup, "POST", collection(manifest), manifest)
    _do(server, setup, "PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status}, "strategic-merge")


def _controller(server: ApiServer, setup: Account, name: str) -> Account:
    manifest = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "kube-system"}}
    _do(server, setup, "POST", collection(manifest), manifest)
    return _service_account(server, setup, "kube-system", name, "10.20.0.2", CONTROLLER + name)


def _service_account(
    server: ApiServer, setup: Account, namespace: str, name: str, address: str, user_agent: str
) -> Account:
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    return Account(_do(server, setup, "POST", path, request)["status"]["token"], address, user_agent)


def _do(server: ApiServer, account: Account, method: str, path: str, body: Any = None, kind: str = "") -> Any:
    """Call the API server and return what it answers; raise ``LabError`` if it refuses."""
    answer = server.call(account, method, path, body, kind)
    if answer.status_code >= FIRST_ERROR:
        raise LabError(f"the API server answered {answer.status_code} to {method} {path}: {answer.text[:300]}")
    return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text
