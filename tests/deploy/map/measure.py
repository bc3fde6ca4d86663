"""Measures the map of a large estate: ``python -m tests.deploy.map.measure [EDGES] [DIRECTORY]``.

10,000 workloads in 200 namespaces with ten containers each, and connections among them, by workload and by address. Prints the
seconds of CPU that writing the view and making the map take, and the memory. The view is written in a first run, and read in the next ones.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from deploy.map.narrow import by_namespace, concerning, gravest, narrowed
from deploy.map.read import Asked, read_map
from deploy.map.svg import write_svg
from deploy.view.rows import rows_of
from deploy.view.store import Store
from schemas.codec import dumps
from schemas.topics import Name
from streams.judge.data import DataClasses
from tests.deploy.map.lab import connected, known_of
from tests.deploy.view.lab import Said, container

WORKLOADS: Final = 10_000
NAMESPACES: Final = 200
REPLICAS: Final = 10
BATCH: Final = 10_000
NONE: Final = DataClasses(())


def address_of(workload: int, replica: int) -> str:
    number = workload * REPLICAS + replica
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def containers() -> Iterator[Said]:
    for workload in range(WORKLOADS):
        for replica in range(REPLICAS):
            name, address = f"w{workload}", address_of(workload, replica)
            place = f"n{workload % NAMESPACES}/{name}/{name}"
            yield container(f"{workload * REPLICAS + replica:012x}", place, container__ip=[address])


def connections(edges: int) -> Iterator[Said]:
    chance = Random(1)
    each = edges // WORKLOADS
    for workload in range(WORKLOADS):
        name, known = f"w{workload}", known_of(f"w{workload}", f"n{workload % NAMESPACES}")
        for number in range(each):
            peer = chance.randrange(WORKLOADS)
            if number % 2:
                yield connected(name, address_of(peer, number % REPLICAS), 1024 + number, known=known)
            else:
                yield connected(name, f"prod/n{peer % NAMESPACES}/w{peer}", 1024 + number, known=known)


def write(store: Store, topic: Name, records: Iterator[Said]) -> int:
    written = 0
    while some := list(islice(records, BATCH)):
        rows = [row for _, key, value in some for row in rows_of(topic, key, value)]
        store.write(topic, rows, {})
        written += len(rows)
    return written


def told(what: str, since: float) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(f"{what:<40} {time.process_time() - since:7.1f} s of CPU, at most {memory} MiB so far\n")
    sys.stdout.flush()


def main(edges: int, directory: Path) -> None:
    path = directory / "view.sqlite"
    if not path.exists():
        store = Store(path)
        store.create({})
        began = time.process_time()
        count = write(store, "judge-state", containers()) + write(store, "activities", connections(edges))
        told(f"{count} rows written", began)
        store.close()
        sys.stdout.write(f"{path.stat().st_size >> 20} MiB on disk\n")
        return
    view = Store(path).connection
    for namespace in ("n7", ""):
        began = time.process_time()
        found = read_map(view, NONE, Asked(namespace))
        found = narrowed(found, concerning(namespace)) if namespace else found
        told(f"map of {namespace or 'everything'}: {len(found.edges)} edges", began)
        began = time.process_time()
        told(f"as JSON, {len(dumps(found.as_json())) >> 20} MiB", began)
    began = time.process_time()
    told(f"namespaces as SVG, {len(write_svg(gravest(by_namespace(found)), 'x')) >> 10} KiB", began)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()),
    )
