from __future__ import annotations

import pickle
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode, dumps
from schemas.errors import Invalid, PolicyErrors, PolicyFault
from schemas.policyset import Document, PolicySet, load_policies, parse_policies

TODAY = date(2026, 6, 1)
GOOD = "policy: shop\nsettings: {privileged: deny}\n"


def faults(text: str) -> list[str]:
    with pytest.raises(PolicyErrors) as caught:
        parse_policies([Document("shop.yaml", text)], TODAY)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "shop.yaml:1: document: is empty"),
        ("# nothing\n---\n---\n", "shop.yaml:1: document: is empty"),
        ("- a\n- b\n", "shop.yaml:1: document: must be keys and values, not list"),
        ("policy: shop\n", "shop.yaml:1: document: says nothing"),
        ("settings: {root: deny}\n", "shop.yaml:1: policy: is missing"),
        ("policy: Shop!\nsettings: {root: deny}\n", "shop.yaml:1: policy: must be small letters"),
        (GOOD + "exce: {deny: /x}\n", "shop.yaml:3: exce: is not known here; did you mean `exec`?"),
        (GOOD + "exec:\n  denny: /x\n", "shop.yaml:4: exec.denny: is not known here; did you mean `deny`?"),
        (
            GOOD + "exec:\n  deny:\n    - paht: /x\n",
            "shop.yaml:5: exec.deny[0].paht: is not known here; did you mean `path`?",
        ),
        (GOOD + "exec:\n  deny:\n    - /a\n    - b\n", "shop.yaml:6: exec.deny[1]: `b` can match no path"),
        (GOOD + "exec:\n  deny: b\n", "shop.yaml:4: exec.deny: `b` can match no path"),
        (GOOD + "exec:\n  deny: {path: [/a,\n    b]}\n", "shop.yaml:5: exec.deny.path[1]: `b` can match no path"),
        (GOOD + "exec: {deny: [{reason: x}]}\n", "shop.yaml:3: exec.deny[0]: says nothing"),
        (GOOD + "exec: {deny: []}\n", "shop.yaml:3: exec.deny: is empty"),
        (GOOD + "exec: {}\n", "shop.yaml:3: exec: says nothing"),
        (GOOD + "exec: {only: /a, allow: /b}\n", "shop.yaml:3: exec: has both only and allow"),
        (GOOD + "scope: {namespace: no}\n", "shop.yaml:3: scope.namespace: must be text; YAML reads this as bool"),
        (GOOD + "scope: {namespace: 12}\n", "shop.yaml:3: scope.namespace: must be text; YAML reads this as int"),
        (GOOD + "scope: {namespace: }\n", "shop.yaml:3: scope.namespace: is empty"),
        (GOOD + "exec: {deny: [/a, ~]}\n", "shop.yaml:3: exec.deny[1]: is empty"),
        (GOOD + "scope: {labels: web}\n", "shop.yaml:3: scope.labels: `web` is no label"),
        (GOOD + "findings: {level: hihg}\n", "shop.yaml:3: findings.level: `hihg` is none of"),
        (
            GOOD + "network: {egress: {deny: 10.0.0.1/8}}\n",
            "shop.yaml:3: network.egress.deny: `10.0.0.1/8` is an address within",
        ),
        (
            GOOD + "network: {egress: {deny: [{port: [80, 9-1]}]}}\n",
            "shop.yaml:3: network.egress.deny[0].port[1]: `9-1` is no port",
        ),
        (
            GOOD + "network: {egress: {deny: {port: true}}}\n",
            "shop.yaml:3: network.egress.deny.port: `True` is no port",
        ),
        (GOOD + "network: {ingress: {deny: {domain: a.example}}}\n", "network.ingress.deny.domain: is not known here"),
        (GOOD + "images: {registries: {only: shop}}\n", "images.registries.only: `shop` is no registry"),
        (GOOD + "files: {deny: '/a/**b'}\n", "files.deny: `/a/**b`: ** stands alone"),
        ("policy: a\npolicy: b\nsettings: {root: deny}\n", "shop.yaml:2: policy: stands here twice, first in line 1"),
        (GOOD + "exec: {deny: {path: /x, level: grave}}\n", "shop.yaml:3: exec.deny.level: `grave` is none of"),
        (GOOD + "exec: {deny: {path: /x, attack: [T1059, X]}}\n", "shop.yaml:3: exec.deny.attack[1]: must be"),
        (GOOD + "exec: {deny: {level: high}}\n", "shop.yaml:3: exec.deny: says nothing"),
        (GOOD + "exec: {level: high}\n", "shop.yaml:3: exec: says nothing"),
        (GOOD + "images: {max_age_days: soon}\n", "shop.yaml:3: images.max_age_days"),
        (GOOD + "images: {max_age_days: 0}\n", "shop.yaml:3: images.max_age_days"),
        (GOOD + "images: {vulnerabilities: {allow: high}}\n", "images.vulnerabilities.allow: is not known here"),
        (GOOD + "resources: {deny: {above: 5}}\n", "shop.yaml:3: resources.deny: must say of which metric"),
        (GOOD + "resources: {deny: {metric: cpu, above: lots}}\n", "resources.deny.above: `lots` is no quantity"),
        (GOOD + "images: {pushed: deny}\n", "shop.yaml:3: images.pushed"),
        (GOOD + "settings: {limits: {level: low}}\n", "says nothing; write require, minimum or maximum"),
        (GOOD + "scope: {cluster: a}\ndata: {personal: {}}\n", "shop.yaml:1: document: has both data and scope"),
        (GOOD + "data: {Personal: {}}\n", "data"),
        (
            GOOD + "data: {personal: {path: /x}}\n",
            "shop.yaml:3: data.personal.path: is not known here; did you mean `paths`",
        ),
        (GOOD + "respond: {action: explode}\n", "shop.yaml:3: respond.action: `explode` is none of"),
        (
            "policy: a\nsettings: {root: deny,\n  root: allow}\n",
            "shop.yaml:3: settings.root: stands here twice, first in line 2",
        ),
        (GOOD + "exec: {yes: /a}\n", "shop.yaml:3: exec.yes: is no key"),
        (GOOD + "a: [1\n", "shop.yaml:4: document: is not readable as YAML"),
        (GOOD + "exec: &a {deny: /x}\nfiles: *a\n", "shop.yaml:4: document: is not readable as YAML: aliases"),
        (GOOD + "exec: {deny: !!python/name:os.system x}\n", "exec.deny: `x` is not readable as"),
        ("[" * 5000, "is nested too deeply"),
        ("policy: a\x00", "is not readable as YAML: special characters are not allowed"),
        (
            GOOD + "capabilities: x\n" + "settings2: {}\n",
            "shop.yaml:3: capabilities: is not known here; known: policy, description, scope",
        ),
        (
            "policy: a\nsettings: {capabilities: {deny: SYS_ADMIN, allow: CAP_SYS_ADMIN}}\n",
            "shop.yaml:2: settings.capabilities: `settings.capabilities.SYS_ADMIN` is said twice",
        ),
        (
            "policy: a\nexec: {deny: [{name: x, path: /a}, {name: x, path: /b}]}\n",
            "shop.yaml:2: exec: `exec.x` is said twice",
        ),
    ],
)
def test_each_fault_has_its_place(text: str, expected: str) -> None:
    assert any(expected in fault for fault in faults(text)), faults(text)


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        ("{clause: settings.privileged, principal: '*', reason: x, owner: y}", "exceptions[0].expires: is missing"),
        ("{clause: settings.privileged, principal: '*', reason: x, owner: y, expires: soon}", "`soon` is no date"),
        ("{clause: settings.privileged, principal: '*', reason: x, owner: y, expires: 2026-02-30}", "2026-02-30"),
        ("{clause: settings.privileged, reason: x, owner: y, expires: never}", "must say for whom"),
        ("{principal: '*', reason: x, owner: y, expires: never}", "must name either the rule"),
        ("{rule: a, clause: b, principal: '*', reason: x, owner: y, expires: never}", "must name either the rule"),
        (
            "{clause: settings.privilege, principal: '*', reason: x, owner: y, expires: never}",
            "exceptions[0].clause: policy `shop` has no clause `settings.privilege`; did you mean `settings.privileged`?",
        ),
        (
            "{clause: 'shoop: settings.privileged', principal: '*', reason: x, owner: y, expires: never}",
            "exceptions[0].clause: there is no policy `shoop`; did you mean `shop`?",
        ),
    ],
)
def test_an_exception_says_for_whom_why_and_until_when(exception: str, expected: str) -> None:
    found = faults(f"{GOOD}exceptions: [{exception}]\n")
    assert any(expected in fault for fault in found), found


def test_all_faults_of_all_files_come_at_once_sorted_by_place(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(GOOD + "exec: {deny: b}\n---\npolicy: shop\nexec: {deny: c}\n")
    (tmp_path / "a.yml").write_text("policy: a\nx: 1\ny: 2\n")
    (tmp_path / "c.yaml").write_bytes(b"policy: a\n# \xff\n")
    (tmp_path / "d.yaml").write_text("policy: shop\nfiles: {deny: /x}\n---\nfoo: [1")
    with pytest.raises(PolicyErrors) as caught:
        load_policies([tmp_path], TODAY)
    places = [(Path(fault.file).name, fault.line, fault.path) for fault in caught.value.faults]
    assert places == sorted(places)
    assert set(places) >= {
        ("a.yml", 2, "x"),
        ("a.yml", 3, "y"),
        ("b.yaml", 3, "exec.deny"),
        ("b.yaml", 5, "policy"),
        ("b.yaml", 6, "exec.deny"),
        ("c.yaml", 2, "document"),
        ("d.yaml", 1, "policy"),
        ("d.yaml", 4, "document"),
    }
    assert str(tmp_path / "b.yaml:3: exec.deny: ") in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).faults == caught.value.faults  # noqa: S301 - what we pickled


def test_an_exception_from_a_policy_with_faults_is_not_blamed_too() -> None:
    found = faults(
        "policy: a\nexec: {deny: x}\n---\n"
        + GOOD
        + "exceptions: {clause: 'a: exec.deny[0]', principal: '*', reason: x, owner: y, expires: never}\n"
    )
    assert len(found) == 1


def test_a_directory_is_read_whole_but_for_cases_and_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "team" / "a.yaml").write_text(GOOD)
    (tmp_path / "two.yml").write_text("policy: a\nfiles: {deny: /x}\n---\npolicy: b\nfiles: {deny: /x}\n")
    for left_out in (".git/x.yaml", ".hidden.yaml", "team/a.cases.yaml", "README.md"):
        (tmp_path / left_out).write_text("not a policy")
    loaded = load_policies([tmp_path], TODAY)
    assert [policy.policy for policy in loaded.policies] == ["a", "b", "shop"]
    assert [document.path for document in loaded.documents] == ["team/a.yaml", "two.yml"]


def test_missing_and_empty_directories_are_faults(tmp_path: Path) -> None:
    with pytest.raises(PolicyErrors, match="file in it"):
        load_policies([tmp_path], TODAY)
    with pytest.raises(PolicyErrors, match="does not exist"):
        load_policies([tmp_path / "nothing"], TODAY)


def test_several_directories_keep_their_names_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.yaml").write_text(GOOD.replace("shop", name))
    loaded = load_policies([tmp_path / "one", tmp_path / "two"], TODAY)
    assert [document.path for document in loaded.documents] == ["one/x.yaml", "two/x.yaml"]
    with pytest.raises(PolicyErrors, match="same name"):
        load_policies([tmp_path / "one", tmp_path / "one"], TODAY)


def test_a_set_survives_its_manifest() -> None:
    original = parse_policies([Document("b.yaml", GOOD), Document("a.yaml", "policy: a\nfiles: {deny: /é}\n")], TODAY)
    restored = PolicySet.from_manifest(original.manifest())
    assert restored == original
    assert set(decode(original.manifest())) == {"hash", "as_of", "documents"}


def test_a_changed_manifest_is_refused() -> None:
    manifest = decode(parse_policies([Document("a.yaml", GOOD)], TODAY).manifest())
    manifest["documents"][0]["text"] = GOOD.replace("deny", "allow")
    with pytest.raises(Invalid, match="was changed or cut"):
        PolicySet.from_manifest(dumps(manifest))


@pytest.mark.parametrize(
    "manifest", [b"", b"[]", b"{}", b'{"hash":"","as_of":"x","documents":[]}', b'{"documents":[1]}']
)
def test_what_is_no_manifest_is_invalid(manifest: bytes) -> None:
    with pytest.raises(Invalid):
        PolicySet.from_manifest(manifest)


def test_the_hash_is_that_of_the_content_alone(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a.yaml").write_text(GOOD)
    here, there = (load_policies([tmp_path / place], TODAY) for place in ("here", "there"))
    assert here.hash == there.hash
    assert here.hash != parse_policies([Document("a.yaml", GOOD + "#")], TODAY).hash
    assert here.hash != PolicySet.empty().hash


def test_the_order_of_documents_does_not_matter() -> None:
    documents = [Document("a.yaml", GOOD), Document("b.yaml", GOOD.replace("shop", "b"))]
    assert parse_policies(documents, TODAY).hash == parse_policies(documents[::-1], TODAY).hash


def test_a_set_changes_its_hash_when_an_exception_expires_and_only_then() -> None:
    text = (
        GOOD + "exceptions: {clause: settings.privileged, principal: '*', reason: x, owner: y, expires: 2026-06-30}\n"
    )
    before, last, after, later = (
        parse_policies([Document("a.yaml", text)], day)
        for day in (TODAY, date(2026, 6, 30), date(2026, 7, 1), date(2027, 1, 1))
    )
    assert before.hash == last.hash
    assert before.expired == last.expired == frozenset()
    assert after.expired == later.expired == {("shop", 0)}
    assert before.hash != after.hash == later.hash
    assert PolicySet.from_manifest(after.manifest()).expired == after.expired


def read(text: str) -> tuple[PolicySet | None, list[PolicyFault]]:
    try:
        return parse_policies([Document("x.yaml", text)], TODAY), []
    except PolicyErrors as error:
        return None, error.faults


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_has_faults(text: str) -> None:
    loaded, found = read(text)
    assert (loaded is not None and bool(loaded.policies)) is not bool(found)


WORDS = st.sampled_from(["deny", "allow", "only", "/a", "exec", "path", "settings", "policy", "x", "", "1", "no", "~"])
VALUES = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers(-9, 99_999),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
SECTIONS = st.dictionaries(
    st.sampled_from(
        ["policy", "scope", "settings", "exec", "files", "network", "access", "findings", "exceptions", "images"]
    ),
    VALUES,
)


@given(SECTIONS)
def test_any_structure_is_a_policy_or_has_faults_with_places(value: dict[str, object]) -> None:
    loaded, found = read(dumps(value).decode())
    assert (loaded is None) is bool(found)
    assert all(fault.line == 1 and fault.path for fault in found)


EXPIRING = (
    GOOD + "exceptions:\n  - {clause: settings.privileged, principal: '*', reason: r, owner: o, expires: 2026-06-10}\n"
    "  - {rule: x, principal: '*', reason: r, owner: o, expires: 2026-06-20}\n"
)


def test_a_set_as_of_a_later_day_is_the_one_that_would_be_loaded_then() -> None:
    documents = [Document("shop.yaml", EXPIRING)]
    loaded = parse_policies(documents, TODAY)
    for day in (date(2026, 6, 10), date(2026, 6, 11), date(2026, 6, 21)):
        assert loaded.on(day) == parse_policies(documents, day)
        assert PolicySet.from_manifest(loaded.on(day).manifest()) == loaded.on(day)
    assert loaded.on(date(2026, 6, 11)).on(TODAY) == loaded.on(date(2026, 6, 11))


def test_a_set_knows_the_day_on_which_it_changes() -> None:
    loaded = parse_policies([Document("shop.yaml", EXPIRING)], TODAY)
    assert loaded.next_change() == date(2026, 6, 11)
    assert loaded.on(date(2026, 6, 10)).next_change() == date(2026, 6, 11)
    assert loaded.on(date(2026, 6, 11)).next_change() == date(2026, 6, 21)
    assert loaded.on(date(2026, 6, 21)).next_change() is None
    assert PolicySet.empty().next_change() is None
