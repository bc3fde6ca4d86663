"""Shared facts of a few images, workloads and secrets that are known by the same few digests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schemas.codec import Event
from schemas.shared import SharedRecord

CONFIGURATIONS = ["sha256:c1", "sha256:c2"]
MANIFESTS = ["sha256:m1", "sha256:m2", "sha256:m3"]
TIMES = st.integers(0, 3).map(lambda second: f"2026-03-02T10:00:0{second}.000000000Z")
DAYS = st.lists(st.sampled_from([30, 90]), unique=True).map(sorted)

IDENTITIES: st.SearchStrategy[Event] = st.fixed_dictionaries(
    {},
    optional={
        "container.image.id": st.sampled_from(CONFIGURATIONS),
        "container.image.hash.all": st.lists(st.sampled_from(MANIFESTS), unique=True, max_size=2).map(sorted),
    },
)


def _facts(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries({}, optional=optional)


_IMAGE_FACTS = _facts(
    **{
        "container.image.vulnerabilities": st.lists(st.sampled_from(["critical fixable A a", "low unfixed B b"])),
        "container.image.signature": st.sampled_from(["valid", "invalid", "missing"]),
        "container.image.scan.outcome": st.sampled_from(["success", "failure"]),
        "container.image.scan.time": TIMES,
        "container.image.older_than": DAYS,
    }
)
_TARGET_FACTS = _facts(
    **{
        "target.privileged": st.booleans(),
        "target.host_namespaces": st.lists(st.sampled_from(["pid", "network"]), unique=True),
    }
)
_SECRET_FACTS = _facts(**{"secret.type": st.sampled_from(["Opaque", "kv"]), "secret.older_than": DAYS})


def _records(
    subjects: list[str], sources: list[str], facts: st.SearchStrategy[Event]
) -> st.SearchStrategy[SharedRecord]:
    return st.builds(SharedRecord, st.sampled_from(subjects), st.sampled_from(sources), TIMES, TIMES, facts)


IMAGE_RECORDS = _records(
    [f"image:{digest}" for digest in (*CONFIGURATIONS, *MANIFESTS)],
    ["trivy", "grype", "registry"],
    st.builds(lambda identity, facts: {**identity, **facts}, IDENTITIES, _IMAGE_FACTS),
)
WORKLOAD_RECORDS = _records(
    ["workload:lab/shop/web", "workload:lab/shop/db"],
    ["user:lab/ada", "user:lab/bob", "container:lab/shop/web/app", "container:lab/shop/web/proxy"],
    _TARGET_FACTS,
)
SECRET_RECORDS = _records(["secret:lab/shop/token"], ["kubernetes", "vault"], _SECRET_FACTS)
RECORDS = IMAGE_RECORDS | WORKLOAD_RECORDS | SECRET_RECORDS
