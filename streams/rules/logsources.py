"""What a rule's logsource is with us: which events the rule can concern, and what its field names are.

``source_of("process_creation", "linux", "")`` says that only events of ``event.action: exec`` can match, and that ``Image``
is the column ``process.program``. The table has Sigma's container, host, network and cloud sources. A source that it does not
have concerns the events of a sensor of that name (``event.module``), so that a rule for Windows never meets a container.
``product: container`` is ours: Linux, but not the hosts themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from streams.rules import field_names

__all__ = ["ENTITY_KIND", "SENSORS", "VERDICTS", "Gate", "Source", "source_of"]

Gate = Mapping[str, frozenset[str]]
"""By field, the values of which it must have one; none means that the field must be there. All fields must hold."""

ENTITY_KIND: Final = "entity.kind"
"""No field of an event: who asks for matches says here what acts: ``container``, ``host`` or ``user``."""

VERDICTS: Final = "verdict"
"""Category of ``product: tidewaiter`` whose rules read what was decided, so they decide nothing themselves."""


@dataclass(frozen=True, slots=True)
class Source:
    """Events of one logsource.

    ``fields`` maps the rule's names to fields of ours or to derived columns; other names stand for themselves. ``sensors``
    names the formats that give such events, none where no format of ours does.
    """

    gate: Gate
    fields: Mapping[str, str]
    sensors: frozenset[str]

    def column(self, name: str) -> str:
        """Return the column that a field name of a rule means."""
        return self.fields.get(name, name)


_OF_KERNEL: Final = frozenset({"auditd", "falco"})
_NOTHING: Final = MappingProxyType[str, str]({})

SENSORS: Final = frozenset(
    {"auditd", "clamav", "docker", "falco", "grype", "kubernetes-audit", "registry", "trivy", "vault-audit"}
)
"""Formats of ours, as ``tidewaiter collect`` calls them."""


def _gate(**values: str) -> Gate:
    return {name.replace("_", "."): frozenset(text.split()) for name, text in values.items()}


_CATEGORIES: Final = MappingProxyType(
    {
        "process_creation": Source(_gate(event_action="exec"), field_names.PROCESSES, _OF_KERNEL),
        "file_event": Source(_gate(file_access="create write rename"), field_names.FILES, _OF_KERNEL),
        "file_access": Source(_gate(file_access="read"), field_names.FILES, _OF_KERNEL),
        "file_change": Source(_gate(file_access="attributes write"), field_names.FILES, _OF_KERNEL),
        "file_delete": Source(_gate(file_access="delete"), field_names.FILES, _OF_KERNEL),
        "file_rename": Source(_gate(file_access="rename"), field_names.FILES, _OF_KERNEL),
        "network_connection": Source(_gate(network_direction=""), field_names.NETWORK, _OF_KERNEL),
        "firewall": Source(_gate(event_category="network"), field_names.NETWORK, _OF_KERNEL),
        "dns": Source(_gate(dns_question_name=""), field_names.DNS, frozenset()),
        "dns_query": Source(_gate(dns_question_name=""), field_names.DNS, frozenset()),
        "driver_load": Source(_gate(event_category="driver"), field_names.PROCESSES, frozenset({"auditd"})),
        "webserver": Source(_gate(url_path="", http_request_method=""), field_names.HTTP, frozenset()),
        "proxy": Source(_gate(url_path="", http_request_method=""), field_names.HTTP, frozenset()),
        "antivirus": Source(_gate(event_module="clamav"), field_names.ANTIVIRUS, frozenset({"clamav"})),
        "application": Source({}, _NOTHING, SENSORS),
        "container": Source(
            {ENTITY_KIND: frozenset({"container"})}, _NOTHING, frozenset({"auditd", "docker", "falco"})
        ),
    }
)

_KUBERNETES: Final = Source(
    _gate(kubernetes_audit_verb=""), field_names.KUBERNETES, frozenset({"kubernetes-audit", "falco"})
)
_ENGINE: Final = Source(_gate(event_module="docker"), _NOTHING, frozenset({"docker"}))
_GOOGLE_AUDIT: Final = Source(_gate(event_dataset="gcp.audit"), _NOTHING, frozenset())

_PRODUCTS: Final = MappingProxyType(
    {
        ("linux", ""): Source({}, _NOTHING, _OF_KERNEL),
        ("linux", "auditd"): Source(_gate(event_module="auditd"), field_names.AUDITD, frozenset({"auditd"})),
        ("container", ""): Source(
            {ENTITY_KIND: frozenset({"container"})}, _NOTHING, frozenset({"auditd", "docker", "falco"})
        ),
        ("kubernetes", ""): _KUBERNETES,
        ("kubernetes", "audit"): _KUBERNETES,
        ("docker", ""): _ENGINE,
        ("podman", ""): _ENGINE,
        ("falco", ""): Source(_gate(event_module="falco"), field_names.FALCO, frozenset({"falco"})),
        ("clamav", ""): Source(_gate(event_module="clamav"), field_names.ANTIVIRUS, frozenset({"clamav"})),
        ("grype", ""): Source(_gate(event_module="grype"), _NOTHING, frozenset({"grype"})),
        ("registry", ""): Source(_gate(event_module="registry"), _NOTHING, frozenset({"registry"})),
        ("trivy", ""): Source(_gate(event_module="trivy"), _NOTHING, frozenset({"trivy"})),
        ("vault", ""): Source(_gate(event_module="vault"), _NOTHING, frozenset({"vault-audit"})),
        ("vault", "audit"): Source(_gate(event_module="vault"), _NOTHING, frozenset({"vault-audit"})),
        ("zeek", ""): Source(_gate(event_module="zeek"), field_names.ZEEK, frozenset()),
        ("aws", "cloudtrail"): Source(_gate(event_dataset="aws.cloudtrail"), field_names.CLOUDTRAIL, frozenset()),
        ("azure", "activitylogs"): Source(_gate(event_dataset="azure.activitylogs"), _NOTHING, frozenset()),
        ("gcp", "gcp.audit"): _GOOGLE_AUDIT,
        ("tidewaiter", ""): Source({}, _NOTHING, SENSORS),
    }
)

_ANY: Final = Source({}, _NOTHING, SENSORS)
_OF_VERDICTS: Final = Source(_gate(verdict_outcome=""), _NOTHING, SENSORS)


def source_of(category: str, product: str, service: str) -> Source:
    """Return what a logsource is with us; parts that the rule leaves out are empty. A rule without any concerns every event."""
    category, product, service = category.lower(), product.lower(), service.lower()
    if (product, category) == ("tidewaiter", VERDICTS):
        return _OF_VERDICTS
    by_product = _product(product, service)
    by_category = _CATEGORIES.get(category) if category else _ANY
    if by_category is None:
        known = product or service
        by_category = _ANY if known else Source(_gate(event_category=category), _NOTHING, frozenset())
    return _both(by_category, by_product)


def _product(product: str, service: str) -> Source:
    known = _PRODUCTS.get((product, service))
    if known is not None:
        return known
    if not product:
        return _ANY if not service else _of_sensor(service)
    above = _PRODUCTS.get((product, ""))
    if above is None or not service:
        return _of_sensor(product)
    if product == "linux":  # syslog, auth, cron …: logs of their own, which are read by no sensor of ours
        return _of_sensor(service)
    if product == "zeek":
        return Source({"event.dataset": frozenset({f"zeek.{service}"})}, above.fields, above.sensors)
    return above


def _of_sensor(name: str) -> Source:
    return Source({"event.module": frozenset({name})}, _NOTHING, frozenset())


def _both(one: Source, other: Source) -> Source:
    """Return what both are true of; where both gates speak of a field, the product's holds."""
    return Source({**one.gate, **other.gate}, {**one.fields, **other.fields}, one.sensors & other.sensors)
