from __future__ import annotations

from typing import Any

import pytest

from tests.streams.judge.policies import decided, outcome, request, start

DIGEST = "sha256:" + "5" * 64


def image(**known: Any) -> dict[str, Any]:
    """The facts of an image that is started, of which this is known."""
    named = {name.replace("__", "."): value for name, value in known.items()}
    return start() | {"container.image.id": DIGEST} | {f"container.image.{key}": value for key, value in named.items()}


def denied(section: str, record: dict[str, Any]) -> bool:
    return outcome(f"policy: p\nimages: {section}\n", record)[0] == "unauthorized"


@pytest.mark.parametrize(
    ("section", "record", "expected"),
    [
        ("{signature: require}", image(signature="valid"), False),
        ("{signature: require}", image(signature="invalid"), True),
        ("{signature: require}", image(signature="missing"), True),
        ("{signature: require}", image(), True),
        ("{scan: require}", image(scan__outcome="success"), False),
        ("{scan: require}", image(scan__outcome="failure"), True),
        ("{scan: require}", image(), True),
        ("{max_age_days: 90}", image(older_than=[30]), False),
        ("{max_age_days: 90}", image(older_than=[30, 90]), True),
        ("{max_age_days: 90}", image(older_than=[120]), True),
        ("{max_age_days: 90}", image(), False),
        ("{max_scan_age_days: {days: 30}}", image(scan__older_than=[30]), True),
        ("{max_scan_age_days: 30}", image(older_than=[30]), False),
        ("{pushed: require}", image(registries=["registry.example/shop/web"]), False),
        ("{pushed: require}", image(registries=[]), True),
        ("{pushed: require}", image(), True),
        ("{pushed: {effect: require, registries: b.example}}", image(registries=["a.example/x"]), True),
        ("{pushed: {effect: require, registries: [b.example/x]}}", image(registries=["b.example/x/y"]), False),
        ("{pushed: require, registries: {only: a.example}}", image(registries=["b.example/x"]), True),
        ("{pushed: require, registries: {allow: a.example}}", image(registries=["a.example/x"]), False),
    ],
)
def test_what_is_required(section: str, record: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(section, record) is expected


@pytest.mark.parametrize(
    ("clauses", "known", "expected"),
    [
        ("{only: ci@shop.example}", {"signature": "valid", "signers": ["ci@shop.example"]}, False),
        ("{only: ci@shop.example}", {"signature": "valid", "signers": ["eve", "ci@shop.example"]}, False),
        ("{only: ci@shop.example}", {"signature": "invalid", "signers": ["ci@shop.example"]}, True),
        ("{only: ci@shop.example}", {"signature": "valid", "signers": ["eve"]}, True),
        ("{only: ci@shop.example}", {}, True),
        ("{deny: eve}", {"signers": ["ci@shop.example", "eve"]}, True),
        ("{deny: eve}", {"signers": ["ci@shop.example"]}, False),
        ("{deny: eve}", {}, False),
    ],
)
def test_signers(clauses: str, known: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column
    assert denied(f"{{signers: {clauses}}}", image(**known)) is expected


FOUND = {
    "vulnerabilities": ["low unfixed CVE-1 zlib", "critical fixable CVE-2019-14697 musl", "high unfixed CVE-3 libc6"],
    "secrets": ["aws-access-key-id /root/.aws/credentials", "private-key srv/key.pem"],
    "malware": ["Win.Test.EICAR_HDB-1 /tmp/eicar.com"],
    "misconfigurations": ["high DS002 Image user should not be 'root'"],
    "packages": ["nmap 7.93+dfsg1-1", "musl 1.1.20-r4"],
    "executables": ["/usr/bin/nc", "/bin/busybox"],
}


@pytest.mark.parametrize(
    ("section", "hits", "misses"),
    [
        (
            "vulnerabilities",
            [
                "critical",
                "{severity: [critical, high], fixable: true}",
                "{severity: high, fixable: false}",
                "{id: CVE-2019-*}",
                "{package: musl}",
            ],
            [
                "medium",
                "{severity: high, fixable: true}",
                "{id: CVE-2019-14697, package: zlib}",
                "{severity: critical, except: {package: musl}}",
            ],
        ),
        (
            "secrets",
            ["private-key", "{rule: aws-*, path: /root/**}", "{path: /srv/*.pem}"],
            ["github-token", "{path: /etc/**}"],
        ),
        ("malware", ["'*'", "{signature: '*EICAR*', path: /tmp/*}"], ["{signature: Unix.*}", "{path: /usr/**}"]),
        ("misconfigurations", ["high", "{id: DS002}"], ["critical", "{id: DS001, severity: high}"]),
        (
            "packages",
            ["nmap", "{package: nmap, version: 7.*}", "'musl*'"],
            ["nma", "{package: nmap, version: 6.*}", "{package: musl, version: 7.*}"],
        ),
        ("executables", ["'**/nc'", "/bin/**"], ["'**/ncat'", "/usr/sbin/**"]),
    ],
)
def test_what_is_found_in_an_image(section: str, hits: list[str], misses: list[str]) -> None:
    for clause in hits:
        assert denied(f"{{{section}: {{deny: {clause}}}}}", image(**FOUND)), clause
        assert not denied(f"{{{section}: {{deny: {clause}}}}}", image()), f"{clause} of an image nobody has looked at"
    for clause in misses:
        assert not denied(f"{{{section}: {{deny: {clause}}}}}", image(**FOUND)), clause


@pytest.mark.parametrize("text", ["", "critical", "critical fixable", " ", "x y z a b c"])
@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("vulnerabilities", "package"),
        ("secrets", "path"),
        ("malware", "path"),
        ("misconfigurations", "id"),
        ("packages", "version"),
        ("executables", "path"),
    ],
)
def test_findings_written_otherwise_are_read_as_far_as_they_go(text: str, section: str, key: str) -> None:
    assert not denied(f"{{{section}: {{deny: {{{key}: /no/such}}}}}}", image(**{section: [text]}))


def test_the_facts_of_an_image_itself_are_judged() -> None:
    record = {"event.action": "facts", "container.image.id": DIGEST, "container.image.malware": ["EICAR /x"]}
    text = "policy: p\nscope: {entities: image}\nimages: {malware: {deny: '*'}}\n"
    assert outcome(text, record, f"image:{DIGEST}") == ("unauthorized", "images.malware.deny[0]")
    assert outcome(text, record)[0] == "undetermined"


def test_a_request_knows_no_more_than_a_name() -> None:
    record = request("create", "pods") | {"container.settings.images": ["nginx"], "container.settings.root": True}
    assert not denied("{scan: require, pushed: require, signature: require}", record)
    assert denied("{registries: {only: registry.example}}", record)


def test_a_start_of_which_no_image_is_known_is_not_asked_for_its_scan() -> None:
    assert not denied("{scan: require}", start())


def test_an_act_of_a_container_is_not_asked_about_its_image() -> None:
    assert not denied("{scan: require}", image() | {"event.action": "exec", "process.executable": "/bin/sh"})


def test_reasons_name_what_was_found() -> None:
    text = "policy: p\nimages: {vulnerabilities: {deny: {severity: critical, reason: patch it}}}\n"
    assert decided(text, image(**FOUND)).reason == (
        "uses an image with CVE-2019-14697 (critical, in musl; a fix exists), which policy p denies "
        "(images.vulnerabilities.deny[0]): patch it"
    )
