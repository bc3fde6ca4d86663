"""What happens in the cluster: releases and daily work, then the attack with stolen tokens."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from typing import Any

from deploy.demo.lab.apiserver import Account
from deploy.demo.lab.cluster import NODE, Cluster, collection, manifests
from deploy.demo.lab.errors import LabError
from deploy.demo.lab.images import VERSION

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # what Kubernetes makes the ends of names from
ATTACKER = "203.0.113.66"
STOLEN_CLIENT = "curl/7.88.1"


# Daily work


def release(
    cluster: Cluster,
    cause: str,
    services: Iterable[str] = ("web", "app", "database", "cache"),
    version: str = VERSION,
) -> None:
    """Let the pipeline apply deployments, and everybody do what follows from it."""
    for manifest in manifests("shop"):
        if manifest["metadata"]["name"] in services:
            template = manifest["spec"]["template"]
            template["metadata"]["annotations"] = {"release": cause}
            for container in template["spec"]["containers"]:
                container["image"] = container["image"].replace(VERSION, version)
            _roll_out(cluster, manifest)


def scale(cluster: Cluster, service: str, replicas: int) -> None:
    """Let the operator ask for a number of replicas, and everybody do what follows from it."""
    path = f"/apis/apps/v1/namespaces/shop/deployments/{service}"
    cluster.do(cluster.operator, "PATCH", f"{path}/scale", {"spec": {"replicas": replicas}}, "merge")
    replica_set = _newest_replica_set(cluster, service)
    replica_set["spec"]["replicas"] = replicas
    name = replica_set["metadata"]["name"]
    cluster.do(cluster.deployments, "PUT", f"/apis/apps/v1/namespaces/shop/replicasets/{name}", replica_set)
    pods = _pods(cluster, service)
    for _ in range(replicas - len(pods)):
        _start_pod(cluster, replica_set)
    for pod in pods[replicas:]:
        _stop_pod(cluster, pod)
    _report(cluster, path, replicas)


def app_reads_its_secret(cluster: Cluster) -> None:
    cluster.do(cluster.app, "GET", "/api/v1/namespaces/shop/secrets/database-password")
    cluster.do(cluster.app, "GET", "/api/v1/namespaces/shop/configmaps/app-settings")


def node_reports(cluster: Cluster) -> None:
    status = {"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}}
    cluster.do(cluster.node, "PATCH", f"/api/v1/nodes/{NODE}/status", status, "strategic-merge")
    cluster.do(cluster.node, "GET", f"/api/v1/nodes/{NODE}")


def operator_looks(cluster: Cluster) -> None:
    cluster.do(cluster.operator, "GET", "/apis/apps/v1/namespaces/shop/deployments?limit=500")
    pods = cluster.do(cluster.operator, "GET", "/api/v1/namespaces/shop/pods?limit=500")["items"]
    name = next(pod["metadata"]["name"] for pod in pods if pod["metadata"]["labels"]["app"] == "app")
    cluster.do(cluster.operator, "GET", f"/api/v1/namespaces/shop/pods/{name}/log?container=app&tailLines=20")


def operator_grants_a_view(cluster: Cluster) -> None:
    subject = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "developers"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    metadata = {"name": "developers-view", "namespace": "shop"}
    binding = {"kind": "RoleBinding", "metadata": metadata, "roleRef": role, "subjects": [subject]}
    cluster.create(cluster.operator, binding)


def pipeline_rotates_the_password(cluster: Cluster) -> None:
    body = {"stringData": {"password": "made-up-for-the-demo-too"}}
    cluster.do(cluster.deployer, "PATCH", "/api/v1/namespaces/shop/secrets/database-password", body, "merge")


# The attack


def stolen(account: Account) -> Account:
    """Return the account as it looks when its token is used from elsewhere."""
    return Account(account.token, ATTACKER, STOLEN_CLIENT)


def thief_tries_all_secrets(cluster: Cluster) -> None:
    answer = cluster.server.call(stolen(cluster.app), "GET", "/api/v1/secrets?limit=500")
    if answer.status_code != 403:  # noqa: PLR2004  forbidden
        raise LabError(f"the application's account should not read all secrets, yet the answer is {answer.status_code}")


def thief_lists_the_shops_secrets(cluster: Cluster) -> None:
    cluster.do(stolen(cluster.app), "GET", "/api/v1/namespaces/shop/secrets?limit=500")


def thief_reads_all_secrets(cluster: Cluster) -> None:
    cluster.do(stolen(cluster.deployer), "GET", "/api/v1/secrets?limit=500")


def thief_binds_cluster_admin(cluster: Cluster) -> None:
    cluster.create(stolen(cluster.deployer), manifests("attack")[0])


def thief_execs_into_the_database(cluster: Cluster) -> None:
    pods = cluster.do(stolen(cluster.app), "GET", "/api/v1/namespaces/shop/pods?labelSelector=app%3Ddatabase")["items"]
    path = f"/api/v1/namespaces/shop/pods/{pods[0]['metadata']['name']}/exec"
    cluster.server.exec(stolen(cluster.app), f"{path}?command=%2Fbin%2Fsh&container=database&stdin=true&stdout=true")


def thief_creates_a_privileged_pod(cluster: Cluster) -> None:
    cluster.create(stolen(cluster.app), manifests("attack")[1])


# What follows from a release: the work of controllers, scheduler and kubelet, played with their accounts


def _roll_out(cluster: Cluster, manifest: dict[str, Any]) -> None:
    name = manifest["metadata"]["name"]
    path = f"{collection(manifest)}/{name}"
    deployment = cluster.do(cluster.deployer, "PATCH", f"{path}?fieldManager=pipeline&force=true", manifest, "apply")
    old = _pods(cluster, name)
    replica_set = cluster.create(cluster.deployments, _replica_set(deployment))
    for _ in range(manifest["spec"]["replicas"]):
        _start_pod(cluster, replica_set)
    for pod in old:
        _stop_pod(cluster, pod)
    _report(cluster, path, manifest["spec"]["replicas"])


def _pods(cluster: Cluster, name: str) -> list[str]:
    """Return the names of a deployment's pods; a controller knows them from its watch, so this is not in the log."""
    found = cluster.do(cluster.setup, "GET", f"/api/v1/namespaces/shop/pods?labelSelector=app%3D{name}")
    return [pod["metadata"]["name"] for pod in found["items"]]


def _newest_replica_set(cluster: Cluster, name: str) -> dict[str, Any]:
    found = cluster.do(cluster.setup, "GET", f"/apis/apps/v1/namespaces/shop/replicasets?labelSelector=app%3D{name}")
    newest: dict[str, Any] = max(found["items"], key=lambda item: item["metadata"]["creationTimestamp"])
    return newest | {"apiVersion": "apps/v1", "kind": "ReplicaSet"}


def _replica_set(deployment: dict[str, Any]) -> dict[str, Any]:
    template = deployment["spec"]["template"]
    label = _ending(repr(template), 10)
    labels = template["metadata"]["labels"] | {"pod-template-hash": label}
    return {
        "kind": "ReplicaSet",
        "metadata": _owned(deployment, "Deployment", f"{deployment['metadata']['name']}-{label}", labels),
        "spec": {
            "replicas": deployment["spec"]["replicas"],
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template["spec"]},
        },
    }


def _start_pod(cluster: Cluster, replica_set: dict[str, Any]) -> None:
    template = replica_set["spec"]["template"]
    name = f"{replica_set['metadata']['name']}-{_ending(str(random.random()), 5)}"  # noqa: S311  only has to differ
    metadata = _owned(replica_set, "ReplicaSet", name, template["metadata"]["labels"])
    cluster.create(cluster.replicas, {"kind": "Pod", "metadata": metadata, "spec": template["spec"]})
    path = f"/api/v1/namespaces/shop/pods/{name}"
    target = {"kind": "Binding", "metadata": {"name": name}, "target": {"kind": "Node", "name": NODE}}
    cluster.do(cluster.scheduler, "POST", f"{path}/binding", target)
    cluster.do(cluster.node, "GET", path)
    cluster.do(cluster.node, "PATCH", f"{path}/status", {"status": {"phase": "Running"}}, "strategic-merge")


def _stop_pod(cluster: Cluster, pod: str) -> None:
    cluster.do(cluster.replicas, "DELETE", f"/api/v1/namespaces/shop/pods/{pod}?gracePeriodSeconds=0")


def _report(cluster: Cluster, path: str, replicas: int) -> None:
    deployment = cluster.do(cluster.deployments, "GET", path)
    deployment["status"] = {"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas}
    cluster.do(cluster.deployments, "PUT", f"{path}/status", deployment)


def _owned(owner: dict[str, Any], kind: str, name: str, labels: dict[str, str]) -> dict[str, Any]:
    metadata = owner["metadata"]
    reference = {"apiVersion": "apps/v1", "kind": kind, "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "name": name,
        "namespace": metadata["namespace"],
        "labels": labels,
        "ownerReferences": [reference | {"controller": True, "blockOwnerDeletion": True}],
    }


def _ending(text: str, length: int) -> str:
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in hashlib.sha256(text.encode()).digest()[:length])
