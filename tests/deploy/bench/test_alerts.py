"""The lines of the soak are read by the format that they claim to be, one event each, and repeat their activities."""

from __future__ import annotations

from deploy.bench.alerts import alert
from producers.formats.falco import FalcoFormat
from producers.types import FormatOptions, Record
from schemas.codec import loads
from schemas.facts import FACTS_ACTION

LINES = 2_000
START = 1_764_000_000_000_000_000


def test_every_line_is_one_event_with_its_number() -> None:
    falco = FalcoFormat(FormatOptions(cluster="bench", host="node-0"))
    numbers, facts, activities = [], 0, set()
    for number in range(1, LINES + 1):
        data = alert(number, START + number)
        for event in falco.parse(Record(data, f"soak:{number}", {}, number)):
            assert isinstance(event, dict)
            if event["event.action"] == FACTS_ACTION:
                facts += 1
            else:
                numbers.append(event["event.sequence"])
                activities.add((event.get("process.executable"), event["rule.name"]))
        assert loads(data)["output_fields"]["evt.num"] == number
    assert numbers == list(range(1, LINES + 1))
    assert facts == 40
    assert len(activities) <= 200
