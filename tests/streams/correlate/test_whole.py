from __future__ import annotations

from schemas.alert import Alert
from schemas.settings import AlertSettings
from schemas.topics import partition_of
from streams.correlate.whole import WholeShard
from tests.streams.baseline.rows import HOUR, WEB, denied, ran, row
from tests.streams.correlate.shards import START_MS, Lab, learning

MINUTE_MS = 60_000


class Estate:
    """A whole shard, and what it has written of alerts."""

    def __init__(self, partition: int = 0, partitions: int | None = None) -> None:
        self.lab = Lab()
        alerts = AlertSettings(update_seconds=0)
        self.shard = WholeShard(partition, learning(), alerts=alerts, partitions=partitions)
        self.now_ms, self.sent = START_MS, 0
        self.alerts: dict[bytes, Alert] = {}

    def take(self, *rows: tuple[bytes, bytes]) -> None:
        for key, value in rows:
            self.shard.take_row(key, value, self.sent, self.now_ms)
            self.sent += 1
        self.tick()

    def tick(self) -> None:
        self.now_ms += MINUTE_MS
        for topic, key, value in self.shard.tick(self.now_ms):
            if topic == "alerts":
                self.alerts[key] = Alert.decode(value)
            else:
                self.lab.table[key] = value

    def approve(self, *programs: str) -> None:
        decision = self.lab.decision(
            "approve", {"exec": tuple((program,) for program in programs)}, releases=("sha256:old",)
        )
        for _, key, value in self.shard.take_decision(WEB.encode(), decision.encode(), 0, self.now_ms):
            self.lab.table[key] = value
        self.tick()


def deviates(program: str, first: float) -> tuple[bytes, bytes]:
    told = {"verdict.baseline.dimension": "exec", "verdict.baseline.element": program, "verdict.reason": "so"}
    return denied(ran(program) | told, by="baseline", first=first)


def test_a_baseline_that_is_approved_closes_what_it_knows_and_nothing_else() -> None:
    estate = Estate()
    estate.take(row(ran("/bin/a")))
    estate.take(deviates("/bin/b", HOUR), deviates("/bin/c", HOUR + 1))
    estate.approve("/bin/a", "/bin/b")
    (alert,) = estate.alerts.values()
    assert (alert.state, alert.count) == ("open", 1)
    assert estate.lab.baseline().version == 2


def test_the_alert_says_which_version_knows_it_and_who_approved_it() -> None:
    estate = Estate()
    estate.take(row(ran("/bin/a")))
    estate.take(deviates("/bin/b", HOUR))
    estate.approve("/bin/a", "/bin/b")
    (alert,) = estate.alerts.values()
    assert (alert.state, alert.count) == ("closed", 1)
    step = alert.steps[-1]
    assert (step.action, step.author, step.reason) == ("authorize", "ada", "baseline v2 knows it: so")
    assert step.time == max(alert.last, estate.lab.baseline().approved)


def test_what_has_expired_stays_so_when_it_is_approved_later() -> None:
    estate = Estate()
    estate.take(row(ran("/bin/a")))
    estate.take(deviates("/bin/b", HOUR))
    estate.now_ms += 100 * 60 * MINUTE_MS
    estate.approve("/bin/a", "/bin/b")
    estate.tick()
    (alert,) = estate.alerts.values()
    assert [step.action for step in alert.steps] == ["open", "expire"]


def test_what_a_judge_decided_before_it_knew_of_the_approval_is_let_go_too() -> None:
    estate = Estate()
    estate.take(row(ran("/bin/a")))
    estate.approve("/bin/a", "/bin/b")
    estate.take(deviates("/bin/b", HOUR))
    (alert,) = estate.alerts.values()
    assert alert.state == "closed"


def test_a_gap_in_telemetry_stands_in_all_partitions_and_is_one_alert() -> None:
    estates = [Estate(number, partitions=3) for number in range(3)]
    for estate in estates:
        estate.take(denied({"event.action": "telemetry-gap", "gap.cause": "silent"}, by="rule"))
    (alert,) = [alert for estate in estates for alert in estate.alerts.values()]
    assert estates[partition_of(alert.principal.encode(), 3)].alerts == {alert.id.encode(): alert}


def test_decisions_go_to_whom_they_are_about() -> None:
    estate = Estate()
    estate.take(row(ran("/bin/a")))
    assert estate.shard.dropped().total() == 0
    estate.approve("/bin/a")
    assert estate.lab.actions[-1] == "approve"
