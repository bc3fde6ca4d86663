from __future__ import annotations

from pathlib import Path

from deploy.view.rows import rows_of
from deploy.view.store import Store
from tests.deploy.view.lab import Said, activity, container


def test_contents_and_names_of_what_is_gone_are_let_go_of() -> None:
    store = Store(Path(":memory:"))
    store.create({})

    def write(said: Said) -> None:
        topic, key, value = said
        store.write(topic, rows_of(topic, key, value), {})

    def kept() -> list[tuple[int]]:
        return store.connection.execute(
            "SELECT count(*) FROM principals UNION ALL SELECT count(*) FROM contents"
        ).fetchall()

    write(container("a" * 12))
    stays = kept()
    topic, key, value = activity("unknown:abc", {"event.action": "exec"})
    write((topic, key, value))
    write((topic, key, None))
    assert not store.tidy(1)
    assert store.tidy(10**9)
    assert kept() == stays
    write((topic, key, value))
    assert store.connection.execute("SELECT count(*) FROM activities JOIN principals ON id = principal").fetchone() == (
        1,
    )
