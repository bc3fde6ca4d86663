from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.kubernetes_audit import KubernetesAuditFormat
from producers.types import FormatOptions
from schemas.codec import Event
from schemas.quantity import quantity_of
from tests.producers.formats.kubernetes_audit.samples import creation
from tests.producers.formats.reading import events_of, results_of


def settings(spec: Any, resource: str = "pods", **changes: Any) -> Event:
    """Return the settings of a pod, without their prefix."""
    manifest = changes.pop("manifest", {"spec": spec, "metadata": changes.pop("metadata", {})})
    (event,) = events_of(KubernetesAuditFormat(FormatOptions()), creation(resource, manifest, **changes))
    prefix = "container.settings."
    return {name.removeprefix(prefix): value for name, value in event.items() if name.startswith(prefix)}


def container(**security: Any) -> Event:
    return {"name": "app", "image": "registry.example/app:1", "securityContext": security}


SAFE = container(
    privileged=False,
    runAsUser=1000,
    allowPrivilegeEscalation=False,
    readOnlyRootFilesystem=True,
    capabilities={"drop": ["ALL"]},
    seccompProfile={"type": "RuntimeDefault"},
    appArmorProfile={"type": "Localhost", "localhostProfile": "tight"},
) | {"resources": {"limits": {"cpu": "500m", "memory": "512Mi"}}}


def test_a_careful_pod_says_so() -> None:
    spec = {"containers": [SAFE], "serviceAccountName": "web", "automountServiceAccountToken": False}
    assert settings(spec) == {
        "images": ["registry.example/app:1"],
        "privileged": False,
        "root": False,
        "user": "1000",
        "no_new_privileges": True,
        "read_only_root": True,
        "capabilities.drop": ["ALL"],
        "seccomp": "runtime/default",
        "apparmor": "localhost/tight",
        "limits.memory": 512 * 1024 * 1024,
        "limits.cpu": 0.5,
        "limited": ["cpu", "memory"],
        "service_account": "web",
        "automount_token": False,
    }


def test_names_of_variables_that_hold_secrets_written_out() -> None:
    variables = [
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "api"}}},
        {"name": "LEVEL", "value": "debug"},
        {"name": 7, "value": "hunter2"},
    ]
    found = settings({"containers": [container() | {"env": variables}]})
    assert found["environment_secrets"] == ["DB_PASSWORD"]
    assert "hunter2" not in str(found)


def test_labels_probes_runtime_and_replicas_of_what_is_made() -> None:
    probed = container() | {"livenessProbe": {"exec": {}, "periodSeconds": 5}, "readinessProbe": {"periodSeconds": 5}}
    template = {
        "metadata": {"labels": {"team": "pay", "pod-template-hash": "7c9"}},
        "spec": {
            "containers": [probed, container() | {"livenessProbe": {"periodSeconds": 1}}],
            "initContainers": [container()],
            "runtimeClassName": "gvisor",
        },
    }
    found = settings(None, "deployments", manifest={"spec": {"replicas": 3, "template": template}})
    assert (found["labels"], found["probes"], found["runtime"], found["replicas"]) == (
        ["team=pay"],
        ["liveness"],
        "gvisor",
        3,
    )


@pytest.mark.parametrize("kind", ["containers", "initContainers", "ephemeralContainers"])
def test_the_dangerous_value_of_any_container_wins(kind: str) -> None:
    dangerous = container(
        privileged=True,
        runAsUser=0,
        capabilities={"add": ["CAP_SYS_ADMIN", "net_admin"]},
        seccompProfile={"type": "Unconfined"},
    )
    found = settings({"containers": [SAFE]} | {kind: [SAFE, dangerous]})
    assert (found["privileged"], found["root"], found["user"]) == (True, True, "0")
    assert found["capabilities.add"] == ["NET_ADMIN", "SYS_ADMIN"]
    assert (found["no_new_privileges"], found["read_only_root"], found["seccomp"]) == (False, False, "unconfined")
    assert not {"limits.memory", "limits.cpu", "limited", "apparmor", "capabilities.drop"} & found.keys()


def test_containers_have_what_the_pod_sets() -> None:
    assert settings({"securityContext": {"runAsUser": 0}, "containers": [container()]})["root"] is True
    assert settings({"securityContext": {"runAsUser": 0}, "containers": [container(runAsUser=5)]})["root"] is False
    assert settings({"securityContext": {"runAsNonRoot": True}, "containers": [container()]})["root"] is False
    assert "root" not in settings({"containers": [container()]})


def test_namespaces_of_the_host_are_named() -> None:
    found = settings({"hostPID": True, "hostIPC": True, "hostNetwork": True, "containers": [container()]})
    assert (found["host_namespaces"], found["network_mode"]) == (["pid", "ipc", "network"], "host")


def test_mounts_join_volumes_and_containers() -> None:
    mounts = [
        {"name": "root", "mountPath": "/host", "mountPropagation": "Bidirectional"},
        {"name": "sock", "mountPath": "/run/docker.sock", "readOnly": True},
        {"name": "data", "mountPath": "/data"},
    ]
    volumes = [
        {"name": "root", "hostPath": {"path": "/"}},
        {"name": "sock", "hostPath": {"path": "/var/run/docker.sock"}},
        {"name": "etc", "hostPath": {"path": "/etc"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "shop-data"}},
        {"name": "key", "secret": {"secretName": "tls"}},
        {"name": "all", "projected": {"sources": [{"secret": {"name": "api"}}]}},
    ]
    variables = [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "payment", "key": "password"}}}]
    found = settings({"volumes": volumes, "containers": [container() | {"volumeMounts": mounts, "env": variables}]})
    assert found["mounts"] == ["/:/host:rw:rshared", "/etc::ro", "/var/run/docker.sock:/run/docker.sock:ro"]
    assert found["volumes"] == ["claim:shop-data", "secret:api", "secret:payment", "secret:tls"]


def test_ports_of_the_host_are_published() -> None:
    ports = [
        {"containerPort": 80},
        {"hostPort": 8080, "protocol": "TCP"},
        {"hostPort": 53, "hostIP": "10.0.0.1", "protocol": "UDP"},
    ]
    assert settings({"containers": [container() | {"ports": ports}]})["ports"] == ["8080/tcp", "10.0.0.1:53/udp"]


def test_profiles_may_be_annotations() -> None:
    annotations = {
        "container.apparmor.security.beta.kubernetes.io/app": "unconfined",
        "seccomp.security.alpha.kubernetes.io/pod": "docker/default",
    }
    found = settings({"containers": [container()]}, metadata={"annotations": annotations})
    assert (found["apparmor"], found["seccomp"]) == ("unconfined", "docker/default")


@pytest.mark.parametrize(
    "resource", ["deployments", "daemonsets", "statefulsets", "jobs", "replicasets", "replicationcontrollers"]
)
def test_templates_of_workloads_are_read(resource: str) -> None:
    template = {"template": {"spec": {"containers": [container(privileged=True)]}}}
    assert settings(template, resource)["privileged"] is True


def test_templates_of_cron_jobs_lie_deeper() -> None:
    template = {"jobTemplate": {"spec": {"template": {"spec": {"containers": [container(privileged=True)]}}}}}
    assert settings(template, "cronjobs")["privileged"] is True


def test_a_merge_patch_says_only_what_it_changes() -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "other"}]}}}}
    assert settings(None, "deployments", manifest=patch, verb="patch") == {"images": ["other"]}


def test_a_json_patch_is_laid_out() -> None:
    base = "/spec/template/spec"
    patch = [
        {"op": "replace", "path": f"{base}/containers/0/securityContext/privileged", "value": True},
        {"op": "add", "path": f"{base}/volumes/-", "value": {"name": "r", "hostPath": {"path": "/"}}},
        {"op": "remove", "path": f"{base}/hostPID"},
        {"op": "add", "path": "/" * 1000, "value": 1},
        "not an operation",
    ]
    found = settings(None, "deployments", manifest=patch, verb="patch")
    assert found == {"privileged": True, "mounts": ["/::ro"]}


def test_the_answer_to_a_patch_shows_the_whole() -> None:
    whole = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container(privileged=True)]}}}}
    found = settings(None, "deployments", manifest=[], verb="patch", responseObject=whole)
    assert (found["privileged"], found["read_only_root"]) == (True, False)


def test_an_ephemeral_container_is_seen() -> None:
    reference = {"resource": "pods", "subresource": "ephemeralcontainers", "namespace": "shop", "name": "web-0"}
    found = settings({"ephemeralContainers": [container(privileged=True)]}, verb="patch", objectRef=reference)
    assert found["privileged"] is True
    old = {"kind": "EphemeralContainers", "ephemeralContainers": [container(privileged=True)]}
    assert settings(None, manifest=old, verb="update", objectRef=reference)["privileged"] is True


@pytest.mark.parametrize("subresource", ["status", "binding", "eviction"])
def test_other_subresources_carry_no_pod(subresource: str) -> None:
    reference = {"resource": "pods", "subresource": subresource, "namespace": "shop", "name": "web-0"}
    assert settings({"containers": [container(privileged=True)]}, objectRef=reference) == {}


@pytest.mark.parametrize(
    ("text", "number"),
    [("512Mi", 2**29), ("1G", 1e9), ("100m", 0.1), (2, 2), ("1e3", 1000), ("1.5Ki", 1536), ("9E", 9e18)],
)
def test_quantities_are_numbers(text: Any, number: float) -> None:
    assert quantity_of(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "Mi", "1Xi", "-1", "99E", "\u0661", None, True, []])
def test_what_is_no_quantity_is_no_limit(text: Any) -> None:
    assert quantity_of(text) is None


KEYS = (
    *("containers", "securityContext", "privileged", "runAsUser", "capabilities", "add", "drop", "volumes", "hostPath"),
    *("path", "name", "image", "env", "valueFrom", "volumeMounts", "resources", "limits", "cpu", "memory", "ports"),
    *("hostPort", "command", "args", "seccompProfile", "type"),
)
keys = st.sampled_from(KEYS)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(values, st.sampled_from(["create", "update", "patch"]))
def test_no_pod_can_break_the_reader(spec: Any, verb: str) -> None:
    results_of(KubernetesAuditFormat(FormatOptions()), creation("pods", {"spec": spec}, verb=verb))


paths = st.lists(st.sampled_from((*KEYS, "0", "1", "-"))).map(lambda steps: "/spec/" + "/".join(steps))
operations = st.fixed_dictionaries({"op": st.sampled_from(["add", "replace", "x"]), "path": paths, "value": values})


@given(st.lists(operations, max_size=6))
def test_no_patch_can_break_the_reader(patch: Any) -> None:
    results_of(KubernetesAuditFormat(FormatOptions()), creation("pods", patch, verb="patch"))
