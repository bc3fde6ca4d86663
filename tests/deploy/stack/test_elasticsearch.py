from __future__ import annotations

from pathlib import Path

import yaml

from deploy.stack.elasticsearch import elasticsearch_child
from deploy.stack.java import Java
from deploy.stack.settings import StackSettings


def test_the_configuration_is_that_of_the_distribution_with_our_settings(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    (home / "config" / "jvm.options").write_text("from the distribution")
    settings = StackSettings(state_directory=tmp_path, elasticsearch_port=1, elasticsearch_heap_mebibytes=300)
    for _ in range(2):
        child = elasticsearch_child(settings, Java(Path("/jvm"), 21), home, None)
    directory = tmp_path / "elasticsearch"
    configuration = yaml.safe_load((directory / "config" / "elasticsearch.yml").read_text())
    assert (directory / "config" / "jvm.options").read_text() == "from the distribution"
    assert configuration["http.port"] == 1
    assert configuration["http.host"] == configuration["transport.host"] == "127.0.0.1"
    assert configuration["path.data"] == str(directory / "data")
    assert child.environment["ES_JAVA_OPTS"] == "-Xms300m -Xmx300m"
    assert child.address == "http://127.0.0.1:1"


def test_nobody_who_answers_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "home" / "config").mkdir(parents=True)
    settings = StackSettings(state_directory=tmp_path, elasticsearch_port=1)
    assert not elasticsearch_child(settings, Java(Path("/jvm"), 21), tmp_path / "home", None).ready()
