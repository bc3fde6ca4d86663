"""The one table of fields: everything that knows a field is derived from it.

A record is flat: dotted ECS names to scalars or lists of scalars. Names that ECS has are ECS 9.1's
(https://www.elastic.co/docs/reference/ecs); ``workload.*``, ``container.settings.*``, ``verdict.*``, ``facts.*`` and
``kubernetes.audit.*`` are ours or the Elastic integrations'.

``part`` says where a field lives on the wire: ``envelope`` differs every time, ``activity`` repeats, ``facts`` are known
of the entity, ``verdict`` is the judge's. ``decides`` says whether policy, rules and baselines may read it. ``privacy`` is
``none``, ``identity`` (names a person), ``address`` or ``free text`` (may hold anything).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

__all__ = ["ECS_VERSION", "FIELDS", "Field", "Part", "Privacy", "Type", "names_of"]

ECS_VERSION: Final = "9.1.0"

Part = Literal["envelope", "activity", "facts", "verdict"]
Type = Literal["keyword", "text", "long", "double", "boolean", "ip", "date", "flattened"]
Privacy = Literal["none", "identity", "address", "free text"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field; ``many`` allows a list of values of ``type``; ``flattened`` is an object of keywords.

    ``shared`` facts are of an image, a workload or a secret: they decide, but only the record of that image, workload or secret carries them.
    """

    name: str
    part: Part
    type: Type
    description: str
    many: bool = False
    decides: bool = False
    privacy: Privacy = "none"
    shared: bool = False


def _envelope(name: str, type_: Type, description: str, privacy: Privacy = "none", *, many: bool = False) -> Field:
    return Field(name, "envelope", type_, description, many=many, privacy=privacy)


def _activity(name: str, type_: Type, description: str, *, many: bool = False, privacy: Privacy = "none") -> Field:
    return Field(name, "activity", type_, description, many=many, decides=True, privacy=privacy)


def _fact(name: str, type_: Type, description: str, *, many: bool = False, decides: bool = False) -> Field:
    return Field(name, "facts", type_, description, many=many, decides=decides)


def _shared(name: str, type_: Type, description: str, *, many: bool = False, decides: bool = True) -> Field:
    return Field(name, "facts", type_, description, many=many, decides=decides, shared=True)


def _verdict(name: str, type_: Type, description: str, *, many: bool = False) -> Field:
    return Field(name, "verdict", type_, description, many=many)


_ENVELOPE = (
    _envelope("event.id", "keyword", "Collector, partition and dense number: `shop-docker:0003:000000000042`."),
    _envelope("@timestamp", "date", "When it happened, as the source says; UTC, nanoseconds."),
    _envelope("event.created", "date", "When the collector read it."),
    _envelope("entity.id", "keyword", "What acted: 12 hex digits of a container, `host:NAME`, `user:CLUSTER/NAME`."),
    _envelope("event.sequence", "long", "Serial number that the source gave."),
    _envelope("message", "text", "Human text of the source.", "free text"),
    _envelope("http.request.id", "keyword", "Id of the request, such as a Kubernetes auditID."),
    _envelope("process.pid", "long", "Process id as the host sees it."),
    _envelope("process.entity_id", "keyword", "Sensor's unique id of the process."),
    _envelope("process.start", "date", "When the process started."),
    _envelope("process.parent.pid", "long", "Process id of the parent."),
    _envelope("process.parent.entity_id", "keyword", "Sensor's unique id of the parent."),
    _envelope("source.address", "keyword", "Own address of an outbound connection.", "address"),
    _envelope("source.port", "long", "Ephemeral port of the side that connects."),
    _envelope("destination.address", "keyword", "Own address of an inbound connection.", "address"),
    _envelope("url.original", "keyword", "Request URI with its query.", "free text"),
    _envelope("orchestrator.resource.id", "keyword", "Instance acted upon: pod name or uid."),
    _envelope("resource.value", "double", "What was measured, in the unit of the metric."),
    _envelope("gap.first", "keyword", "First thing missing: offset, number or time."),
    _envelope("gap.last", "keyword", "Last thing missing."),
    _envelope("gap.count", "long", "How many are missing, where known."),
    _envelope("heartbeat.number", "long", "Last number the collector gave in this partition."),
    _envelope("amendment.first", "keyword", "First event id that the amendment speaks of."),
    _envelope("amendment.last", "keyword", "Last event id that the amendment speaks of."),
    _envelope("amendment.count", "long", "How many events the amendment speaks of."),
    _envelope("adoption.offset", "long", "Events offset from which the adopted content decides."),
    _envelope("adoption.hash", "keyword", "Content hash of what was adopted."),
    _envelope("baseline.principal", "keyword", "Whose baseline has changed."),
    _envelope(
        "baseline.action", "keyword", "How: `review`, `approve`, `reject`, `forbid`, `learn`, `difference`, `expire`."
    ),
    _envelope("baseline.state", "keyword", "Where it stands now: `learning`, `review`, `active`, `changed`."),
    _envelope("baseline.author", "keyword", "Who decided: an enrolled person, or `policy:NAME`.", "identity"),
    _envelope("baseline.reason", "keyword", "Why.", "free text"),
    _envelope("baseline.version", "long", "Version in force behind the change; 0 for none."),
    _envelope("baseline.hash", "keyword", "Its content hash."),
    _envelope("baseline.added", "long", "How many elements it has more."),
    _envelope("baseline.removed", "long", "How many it has no longer."),
    _envelope("adoption.engine", "keyword", "Version of Tidewaiter that judges."),
    _envelope("finding.id", "keyword", "What a correlation rule found, also when it goes on and is not told again."),
    _envelope("finding.first", "date", "First event that counts for it."),
    _envelope("finding.last", "date", "Last one, when it was told."),
    _envelope("finding.count", "long", "How many events count for it, when it was told."),
    _envelope("finding.event", "keyword", "Id of the event with which the condition of the rule came true."),
    _envelope("finding.events", "keyword", "Ids of the last events up to that one, 20 at most.", many=True),
    _envelope("finding.group", "keyword", "What they have in common, `FIELD=VALUE`.", "identity", many=True),
    _envelope("container.state", "keyword", "How a container stood when its facts were told: `running`, `exited` …"),
)

_ACTIVITY = (
    _activity("ecs.version", "keyword", "Version of the field names; the activity begins here."),
    _activity("event.kind", "keyword", "`event`, `alert` (a finding of the sensor, a gap), `state` (facts), `metric`."),
    _activity("event.category", "keyword", "ECS categories.", many=True),
    _activity("event.type", "keyword", "ECS types.", many=True),
    _activity("event.action", "keyword", "What was done: `exec`, `connect`, `container-start`, `pods/exec-create`."),
    _activity("event.outcome", "keyword", "The platform's own decision: `success`, `failure`, `unknown`."),
    _activity("event.module", "keyword", "Sensor: `docker`, `auditd`, `falco`, `kubernetes`, `tidewaiter`."),
    _activity("event.dataset", "keyword", "Stream of the sensor: `docker.events`, `kubernetes.audit`."),
    _activity("event.severity", "long", "Severity the sensor gave, 0 (debug) to 100."),
    _activity("event.reason", "keyword", "Why the platform decided so.", privacy="free text"),
    _activity("rule.name", "keyword", "Rule of the sensor that fired."),
    _activity("rule.id", "keyword", "Its id."),
    _activity("rule.level", "keyword", "Its level in Sigma's words: informational, low, medium, high, critical."),
    _activity("rule.ruleset", "keyword", "Where the rule comes from."),
    _activity("rule.tags", "keyword", "Tags of the rule.", many=True),
    _activity("threat.technique.id", "keyword", "MITRE ATT&CK techniques the sensor names.", many=True),
    _activity("process.executable", "keyword", "Path of the executable."),
    _activity("process.name", "keyword", "Name of the process."),
    _activity("process.command_line", "keyword", "Command line.", privacy="free text"),
    _activity("process.args", "keyword", "Arguments, the program first.", many=True, privacy="free text"),
    _activity("process.working_directory", "keyword", "Working directory."),
    _activity("process.interactive", "boolean", "Has a terminal."),
    _activity("process.exit_code", "long", "Exit code."),
    _activity("process.hash.sha256", "keyword", "Hash of the executable."),
    _activity("process.parent.executable", "keyword", "Path of the parent's executable."),
    _activity("process.parent.name", "keyword", "Name of the parent."),
    _activity("process.parent.command_line", "keyword", "Command line of the parent.", privacy="free text"),
    _activity("user.id", "keyword", "User id."),
    _activity("user.name", "keyword", "User name.", privacy="identity"),
    _activity("user.email", "keyword", "Mail address of the user.", privacy="identity"),
    _activity("user.roles", "keyword", "Groups and roles of the user.", many=True),
    _activity("user.effective.id", "keyword", "Effective user id."),
    _activity("user.effective.name", "keyword", "User that is impersonated.", privacy="identity"),
    _activity("user.effective.roles", "keyword", "Groups that are impersonated.", many=True),
    _activity("user.target.name", "keyword", "Account that is created, changed or deleted.", privacy="identity"),
    _activity("user.audit.id", "keyword", "User that logged in, kept through su and sudo.", privacy="identity"),
    _activity(
        "secret.path",
        "keyword",
        "Secret that is asked for: `MOUNT/PATH` in Vault, `CLUSTER/NAMESPACE/NAME` in Kubernetes.",
    ),
    _activity("service.name", "keyword", "Service of the host that is started or stopped."),
    _activity("group.id", "keyword", "Group id."),
    _activity("file.path", "keyword", "Path of the file."),
    _activity("file.target_path", "keyword", "Target of a link or a rename."),
    _activity("file.mode", "keyword", "Mode in octal."),
    _activity("file.access", "keyword", "`read`, `write`, `create`, `delete`, `rename`, `attributes`.", many=True),
    _activity("file.hash.sha256", "keyword", "Hash of the file."),
    _activity("network.direction", "keyword", "`egress` or `ingress`, seen from the entity."),
    _activity("network.transport", "keyword", "`tcp`, `udp`, `icmp`, `unix`."),
    _activity("network.protocol", "keyword", "Application protocol."),
    _activity("network.name", "keyword", "Container network."),
    _activity("source.ip", "ip", "Peer that connects to the entity, or client of an API.", privacy="address"),
    _activity("destination.ip", "ip", "Peer that the entity connects to.", privacy="address"),
    _activity(
        "destination.port", "long", "Port that is connected to; the own listening port of an inbound connection."
    ),
    _activity("destination.domain", "keyword", "Name of the peer."),
    _activity(
        "peer.workload",
        "keyword",
        "Workload of the peer, `cluster/namespace/name`, where the collector could ask for it.",
    ),
    _activity("dns.question.name", "keyword", "Name asked for, lower case, without the trailing dot."),
    _activity("dns.question.type", "keyword", "Record type."),
    _activity("user_agent.original", "keyword", "Client program.", privacy="free text"),
    _activity("http.request.method", "keyword", "HTTP method."),
    _activity("http.response.status_code", "long", "HTTP status."),
    _activity("url.path", "keyword", "Path of a request that is about no resource."),
    _activity("orchestrator.type", "keyword", "`kubernetes`."),
    _activity("orchestrator.cluster.name", "keyword", "Cluster acted upon."),
    _activity("orchestrator.namespace", "keyword", "Namespace acted upon."),
    _activity("orchestrator.api_version", "keyword", "API group and version of the resource."),
    _activity("orchestrator.resource.type", "keyword", "Resource: `pods`, `secrets`."),
    _activity("orchestrator.resource.name", "keyword", "Stable name: of the workload for a pod, else of the object."),
    _activity("kubernetes.audit.verb", "keyword", "API verb."),
    _activity("kubernetes.audit.subresource", "keyword", "`exec`, `attach`, `portforward`, `status` …"),
    _activity("kubernetes.audit.container", "keyword", "Container of the pod that is entered."),
    _activity("kubernetes.audit.stage", "keyword", "Stage of the audit event."),
    _activity("kubernetes.audit.role.name", "keyword", "Role that a binding grants."),
    _activity("kubernetes.audit.role.rules", "keyword", "Rules of a role, `verbs resources groups` each.", many=True),
    _activity("kubernetes.audit.subjects", "keyword", "Subjects of a binding, `Kind:namespace/name`.", many=True),
    _activity("kubernetes.audit.labels", "keyword", "Labels of the object written, `key=value`.", many=True),
    _activity("kubernetes.audit.service.type", "keyword", "`ClusterIP`, `NodePort`, `LoadBalancer`, `ExternalName`."),
    _activity("kubernetes.audit.service.external_ips", "ip", "Addresses that a service takes traffic for.", many=True),
    _activity("kubernetes.audit.service.addresses", "ip", "Addresses of its own that a service has.", many=True),
    _activity("kubernetes.audit.service.selector", "keyword", "Labels of the pods behind it, `key=value`.", many=True),
    _activity("kubernetes.audit.ingress.tls", "boolean", "An ingress has certificates."),
    _activity("kubernetes.audit.certificate.signer", "keyword", "Signer that a certificate is requested of."),
    _activity("kubernetes.audit.certificate.usages", "keyword", "What the certificate is for.", many=True),
    _activity("kubernetes.audit.token.audiences", "keyword", "For whom a token is requested.", many=True),
    _activity("kubernetes.audit.token.bound", "keyword", "Kind of object that a token dies with: `Pod`, `Secret`."),
    _activity("kubernetes.audit.expiration", "long", "Seconds that a token or certificate is requested for."),
    _activity("kubernetes.audit.webhooks", "keyword", "`NAME POLICY NAMESPACE/SERVICE|URL` of each.", many=True),
    _activity("kubernetes.audit.secret.type", "keyword", "Type of a secret that is written."),
    _activity(
        "kubernetes.audit.configmap.secrets",
        "keyword",
        "`ENTRY WHAT` of what looks like a credential in a config map, never its value.",
        many=True,
    ),
    _activity(
        "container.exec.command", "keyword", "Command executed in a container from outside.", privacy="free text"
    ),
    _activity("container.settings.images", "keyword", "Images asked for.", many=True),
    _activity("container.settings.privileged", "boolean", "Runs privileged."),
    _activity("container.settings.user", "keyword", "User to run as; empty or 0 is root."),
    _activity("container.settings.root", "boolean", "Runs as root."),
    _activity(
        "container.settings.host_namespaces",
        "keyword",
        "Of `pid`, `ipc`, `network`, `uts`, `user`, `cgroup`.",
        many=True,
    ),
    _activity("container.settings.capabilities.add", "keyword", "Capabilities added, without `CAP_`.", many=True),
    _activity("container.settings.capabilities.drop", "keyword", "Capabilities dropped.", many=True),
    _activity("container.settings.mounts", "keyword", "`source:target:ro|rw[:propagation]` of host paths.", many=True),
    _activity(
        "container.settings.volumes", "keyword", "Named volumes, claims and secrets that are mounted.", many=True
    ),
    _activity("container.settings.devices", "keyword", "Devices of the host.", many=True),
    _activity("container.settings.ports", "keyword", "Published ports, `[address:]port/protocol`.", many=True),
    _activity("container.settings.limits.memory", "long", "Memory limit in bytes; absent when unlimited."),
    _activity("container.settings.limits.cpu", "double", "CPU limit in cores; absent when unlimited."),
    _activity("container.settings.limits.pids", "long", "Limit of processes; absent when unlimited."),
    _activity(
        "container.settings.limited", "keyword", "Of `memory`, `cpu`, `pids`: those that have a limit.", many=True
    ),
    _activity("container.settings.no_new_privileges", "boolean", "Privilege escalation is off."),
    _activity("container.settings.read_only_root", "boolean", "Root file system is read-only."),
    _activity("container.settings.seccomp", "keyword", "Seccomp profile; `unconfined` for none."),
    _activity("container.settings.apparmor", "keyword", "AppArmor profile; `unconfined` for none."),
    _activity("container.settings.network_mode", "keyword", "Network mode."),
    _activity("container.settings.service_account", "keyword", "Service account of a pod."),
    _activity("container.settings.automount_token", "boolean", "Service account token is mounted."),
    _activity(
        "container.settings.environment_secrets",
        "keyword",
        "Names of variables whose value, which is never kept, looks like a credential.",
        many=True,
    ),
    _activity("container.settings.labels", "keyword", "Labels of the pods asked for, `key=value`.", many=True),
    _activity(
        "container.settings.probes",
        "keyword",
        "Of `liveness`, `readiness`, `startup`: those that each container of a pod has.",
        many=True,
    ),
    _activity("container.settings.replicas", "long", "Replicas asked for."),
    _activity("container.settings.runtime", "keyword", "Runtime of the engine, or runtime class of the pod."),
    _activity(
        "container.settings.entrypoint",
        "keyword",
        "Program and arguments it starts with.",
        many=True,
        privacy="free text",
    ),
    _activity(
        "resource.metric",
        "keyword",
        "Of `cpu` (cores), `memory` (bytes), `pids`, `network.received`, `network.sent`, `disk.read`, `disk.written` (bytes/s).",
    ),
    _activity("resource.band", "long", "Band of the value, a quarter of an octave each: 4 log2 of it, rounded down."),
    _activity(
        "facts.authority",
        "keyword",
        "Who says these facts: `engine`, `kubernetes`, `registry`, `scanner`, `sensor`, `vault`.",
    ),
    _activity(
        "facts.source", "keyword", "Who exactly, where one sensor tells of several: the repository of a registry."
    ),
    _activity("gap.cause", "keyword", "Why telemetry is missing."),
    _activity(
        "adoption.subject",
        "keyword",
        "What was adopted: `policies`, `rules`, `shared-facts`, or the `baselines` of all principals.",
    ),
)

_FACTS = (
    _fact("container.id", "keyword", "Full id, 64 hex digits where known."),
    _fact("container.name", "keyword", "Name of the container."),
    _fact("container.runtime", "keyword", "`docker`, `podman`, `containerd`, `cri-o`."),
    _fact("container.image.name", "keyword", "Image it was started from.", decides=True),
    _fact("container.image.tag", "keyword", "Tags.", many=True, decides=True),
    _fact("container.image.id", "keyword", "Digest of the image's configuration.", decides=True),
    _fact("container.image.hash.all", "keyword", "Manifest digests of the image.", many=True, decides=True),
    _fact("container.ip", "ip", "Own addresses.", many=True),
    _fact("container.labels", "flattened", "Labels."),
    _fact("workload.cluster", "keyword", "Cluster, or name of the host's estate.", decides=True),
    _fact("workload.namespace", "keyword", "Namespace, or compose project.", decides=True),
    _fact("workload.name", "keyword", "Deployment, daemon set, compose service …", decides=True),
    _fact("workload.kind", "keyword", "Its kind.", decides=True),
    _fact("workload.container", "keyword", "Container within the workload.", decides=True),
    _fact(
        "workload.labels",
        "keyword",
        "Labels of the workload as `key=value`; not those of the instance.",
        many=True,
        decides=True,
    ),
    _fact("kubernetes.pod.name", "keyword", "Pod."),
    _fact("kubernetes.pod.uid", "keyword", "Its uid."),
    _fact("host.name", "keyword", "Host it runs on."),
    _shared("container.image.created", "date", "When the image was built.", decides=False),
    _shared("container.image.older_than", "long", "Ages in days that policies ask for and it has passed.", many=True),
    _shared("container.image.registries", "keyword", "Repositories it was pushed to, `registry/name`.", many=True),
    _shared("container.image.signature", "keyword", "`valid`, `invalid` or `missing`, where someone has looked."),
    _shared("container.image.signers", "keyword", "Who signed it: key ids, or identities of certificates.", many=True),
    _shared("container.image.scan.scanners", "keyword", "Scanners that have looked at it.", many=True),
    _shared("container.image.scan.outcome", "keyword", "`success`, or `failure` where a scanner could not finish."),
    _shared("container.image.scan.time", "date", "When it was scanned last.", decides=False),
    _shared(
        "container.image.scan.left_out",
        "keyword",
        "`KIND NUMBER` of findings, packages and files that were too many to list.",
        many=True,
    ),
    _shared("container.image.scan.older_than", "long", "Ages of the last scan in days, as `older_than`.", many=True),
    _shared(
        "container.image.vulnerabilities",
        "keyword",
        "`LEVEL fixable|unfixed ID PACKAGE` each: `critical fixable CVE-2019-14697 musl`.",
        many=True,
    ),
    _shared(
        "container.image.secrets", "keyword", "`RULE PATH` of each secret found in it, never its value.", many=True
    ),
    _shared("container.image.malware", "keyword", "`SIGNATURE PATH` of each finding.", many=True),
    _shared("container.image.misconfigurations", "keyword", "`LEVEL ID TITLE` of each finding.", many=True),
    _shared("container.image.packages", "keyword", "`NAME VERSION` of each package in it, where listed.", many=True),
    _shared("container.image.executables", "keyword", "Paths of executables in it, where listed.", many=True),
    _shared("secret.type", "keyword", "Type of a secret: `Opaque`, `kubernetes.io/tls`, `kv`."),
    _shared("secret.keys", "keyword", "Names of the entries of a secret.", many=True),
    _shared("secret.created", "date", "When the secret was made.", decides=False),
    _shared("secret.changed", "date", "When its content last changed; a new label is no change.", decides=False),
    _shared(
        "secret.rotated", "date", "When its content was seen to change, the last 50 times.", many=True, decides=False
    ),
    _shared("secret.older_than", "long", "Ages of the content in days, as `container.image.older_than`.", many=True),
    _shared("target.privileged", "boolean", "The workload that is acted upon runs privileged."),
    _shared("target.host_namespaces", "keyword", "Namespaces of the host that it shares.", many=True),
    _shared("target.labels", "keyword", "Its labels as `key=value`.", many=True),
)

_VERDICT = (
    _verdict("verdict.outcome", "keyword", "`authorized`, `unauthorized` or `undetermined`."),
    _verdict("verdict.by", "keyword", "`policy`, `rule`, `sensor`, `baseline` or `nothing`."),
    _verdict("verdict.reason", "keyword", "Why, for a person."),
    _verdict("verdict.policy", "keyword", "Policy that decided."),
    _verdict("verdict.clause", "keyword", "Its clause, as a path of keys."),
    _verdict("verdict.policy_hash", "keyword", "Content hash of the policy set in force."),
    _verdict(
        "verdict.rule.id", "keyword", "Id of the gravest rule that decided, or that agrees with a policy that did."
    ),
    _verdict("verdict.rule.name", "keyword", "Its title."),
    _verdict("verdict.rule.level", "keyword", "Its level."),
    _verdict("verdict.rule.file", "keyword", "File of the rule set that it stands in."),
    _verdict("verdict.rule.fields", "keyword", "Fields whose values matched.", many=True),
    _verdict(
        "verdict.rules", "keyword", "Ids of all rules that matched, also of those that did not decide.", many=True
    ),
    _verdict("verdict.rules_hash", "keyword", "Content hash of the rule set in force."),
    _verdict("verdict.level", "keyword", "How grave it is, in Sigma's words, by what made it unauthorized."),
    _verdict("verdict.techniques", "keyword", "MITRE ATT&CK techniques by what made it unauthorized.", many=True),
    _verdict("verdict.data", "keyword", "Classes of data that it touches, as policies say: `personal`.", many=True),
    _verdict("verdict.baseline.version", "long", "Version of the baseline that decided."),
    _verdict("verdict.baseline.hash", "keyword", "Its content hash."),
    _verdict("verdict.baseline.dimension", "keyword", "Dimension that decided: `exec`, `args`, `egress` …"),
    _verdict("verdict.baseline.element", "keyword", "Element that covers the activity, or what is new in it."),
    _verdict("verdict.baseline.nearest", "keyword", "What the baseline knows that is most like it."),
    _verdict(
        "verdict.baseline.release", "keyword", "Image id, where it is not one that the baseline was learned from."
    ),
    _verdict("verdict.exception", "keyword", "Exception that set a finding aside, `policy: rule`."),
    _verdict("verdict.blocked", "boolean", "Tidewaiter blocked it."),
    _verdict("verdict.activity", "keyword", "Digest of the activity; names its rows in `activities`."),
    _verdict("verdict.principal", "keyword", "What has the profile."),
    _verdict(
        "verdict.context", "keyword", "Content hash of all that decided beside the activity; `missing` before facts."
    ),
)

FIELDS: Final = MappingProxyType({field.name: field for field in (*_ENVELOPE, *_ACTIVITY, *_FACTS, *_VERDICT)})


def names_of(part: Part) -> tuple[str, ...]:
    """Return the names of a part in the order of the table, which is the order of the envelope on the wire."""
    return tuple(field.name for field in FIELDS.values() if field.part == part)
