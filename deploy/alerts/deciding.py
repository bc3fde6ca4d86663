"""Decisions about alerts, signed and published, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deploy.answers import hear
from deploy.baselines.operators import Operator
from deploy.kafka import Follower, Place, following, publish_all
from schemas.alert import Alert
from schemas.alert_decision import AlertAction, AlertDecision
from schemas.event import now
from schemas.settings import KafkaSettings

__all__ = ["Answer", "decide"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a decision: the alert behind it, or why it was refused; neither while nobody answers."""

    decision: AlertDecision
    place: Place
    alert: Alert | None = None
    refusal: str = ""

    @property
    def state(self) -> Literal["carried out", "refused", "waiting"]:
        """Return it in two words."""
        return "refused" if self.refusal else "carried out" if self.alert else "waiting"

    def as_json(self) -> dict[str, Any]:
        """Return one object for machines."""
        return {
            "alert": self.decision.alert,
            "principal": self.decision.principal,
            "action": self.decision.action,
            "outcome": self.state,
            "refusal": self.refusal,
            "state": self.alert.state if self.alert else None,
            "decision": str(self.place),
        }


def decide(
    settings: KafkaSettings,
    operator: Operator,
    action: AlertAction,
    alerts: Iterable[Alert],
    reason: str,
    wait_seconds: float,
) -> list[Answer]:
    """Sign and publish a decision about each alert as it was looked at; return what became of them after ``wait_seconds`` at the latest.

    Raises ``KafkaException`` where Kafka does not take them.
    """
    signed = [_decision(operator, action, alert, reason) for alert in alerts]
    with following(settings, ("alerts", "deadletters")) as follower:
        places = publish_all(settings, "control", [(one.principal, one.encode()) for one in signed])
        answers = _Answers(signed, places)
        answers.wait(follower, wait_seconds)
    return answers.answers


def _decision(operator: Operator, action: AlertAction, alert: Alert, reason: str) -> AlertDecision:
    decision = AlertDecision(
        alert.principal, alert.id, action, operator.name, now(), reason, alert.openings, alert.last
    )
    return decision.signed(operator.key)


class _Answers:
    """The answers to decisions, as they come."""

    def __init__(self, decisions: Sequence[AlertDecision], places: Sequence[Place]) -> None:
        self._asked = {str(place): Answer(one, place) for one, place in zip(decisions, places, strict=True)}
        self._open = set(self._asked)

    @property
    def answers(self) -> list[Answer]:
        return list(self._asked.values())

    def wait(self, follower: Follower, seconds: float) -> None:
        hear(follower.poll, seconds, self._open, self._take_alert, self._refuse)

    def _take_alert(self, value: bytes) -> None:
        """Take an alert that has heeded one of these decisions; where it was refused, a dead letter has said so before."""
        alert = Alert.decode(value)
        for place in sorted(self._open):
            asked = self._asked[place]
            if asked.decision.alert == alert.id and asked.place.offset <= alert.decided and _is_heeded(asked, alert):
                self._answer(place, Answer(asked.decision, asked.place, alert))

    def _refuse(self, place: str, error: str) -> None:
        asked = self._asked[place]
        self._answer(place, Answer(asked.decision, asked.place, refusal=error))

    def _answer(self, place: str, answer: Answer) -> None:
        self._asked[place] = answer
        self._open.discard(place)


def _is_heeded(asked: Answer, alert: Alert) -> bool:
    """Return whether the step stands in the life of the alert: a later decision may be heeded where this one was refused."""
    said = (asked.decision.action, asked.decision.author, asked.decision.reason)
    return any((step.action, step.author, step.reason) == said for step in alert.steps)
