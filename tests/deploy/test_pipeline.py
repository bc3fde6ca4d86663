from __future__ import annotations

from pathlib import Path

from deploy.pipeline import children, collector
from schemas.settings import Settings, SourceSettings


def options(**given: object) -> tuple[str, ...]:
    source = SourceSettings.model_validate({"id": "one", **given})
    return collector(Settings(), source).command[3:]


def test_a_source_is_collected_with_what_its_settings_say() -> None:
    found = options(format="auditd", file=Path("/var/log/audit.log"), peers="unix:///engine.sock", host="node-1")
    assert found[:4] == ("collect", "auditd", "--id", "one")
    pairs = dict(zip(found[4::2], found[5::2], strict=True))
    assert pairs == {"--file": "/var/log/audit.log", "--peers": "unix:///engine.sock", "--host": "node-1"}


def test_measuring_can_be_turned_off_and_is_left_alone_where_nothing_is_said() -> None:
    assert options(format="docker", socket="unix:///x", stats_seconds=0)[-2:] == ("--stats-seconds", "0.0")
    assert "--stats-seconds" not in options(format="docker", socket="unix:///x")


def test_judge_learner_and_sink_run_beside_the_collectors() -> None:
    settings = Settings(sources=[SourceSettings(id="one", format="docker", socket="unix:///x")])
    names = [child.name for child in children(settings)]
    assert names == ["judge", "correlate", "deliver-elasticsearch", "collect-one"]
