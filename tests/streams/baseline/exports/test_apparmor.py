from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.baseline import Baseline, Element, literal
from schemas.errors import ConfigurationError
from streams.baseline.exports.apparmor import apparmor, path_rules
from streams.baseline.exports.types import Options
from streams.baseline.exports.words import path_of
from tests.streams.baseline.exports.compiled import READ, RUN, WRITE, Compiled, compile_profile, needs_parser
from tests.streams.baseline.exports.reading import comments_of, learned
from tests.streams.baseline.exports.strategies import baselines, hostile_principals, names

LINE = re.compile(r'(?:deny )?"(?:[^"\\\n]|\\.)*" [mrwklix]+,|[^"]*')
PATHS = names.map(lambda name: name.replace("\0", "").strip("/")).filter(
    lambda name: name not in ("", ".", "..") and "//" not in name and len(name.encode()) < 200
)


def profile(baseline: Baseline) -> str:
    return apparmor(baseline, Options())


def rules(baseline: Baseline) -> list[str]:
    return [line.strip() for line in profile(baseline).split("\n") if line.startswith("  ")]


def compiled(*lines: str) -> Compiled:
    return compile_profile('profile "t" {\n' + "\n".join(lines) + "\n}\n")


def compiled_baseline(baseline: Baseline) -> Compiled:
    return compile_profile(profile(baseline))


def told(baseline: Baseline, kind: str) -> list[str]:
    return [comment for comment in comments_of(profile(baseline)) if comment.startswith(f"{kind}: ")]


def test_programs_run_under_the_same_profile_and_files_are_read_or_written() -> None:
    found = rules(
        learned(
            exec=[("/usr/sbin/nginx",), ("/bin/busybox", "sh")],
            file=[
                ("/etc/nginx/*", "read"),
                ("/srv/**", "create"),
                ("/run/x", "delete"),
                ("/run/x", "read"),
                ("/odd", "open"),
            ],
        )
    )
    assert '"/bin/busybox" mrix,' in found
    assert '"/usr/sbin/nginx" mrix,' in found
    assert found[found.index('"/etc/nginx/*" mrk,') :][:7] == [
        '"/etc/nginx/*" mrk,',
        '"/etc/nginx/*/" mrk,',
        '"/odd{,/}" mrwkl,',
        '"/run/x{,/}" mrwkl,',
        '"/srv{,/}" wkl,',
        '"/srv/**" wkl,',
        "unix,",
    ]


def test_what_is_not_in_the_baseline_stays_open_and_comments_say_so() -> None:
    baseline = learned(exec=[("/a",)])
    assert {"/{,**} mrwkl,", "network,", "capability,"} <= set(rules(baseline))
    assert [comment.split(",")[0] for comment in told(baseline, "Open")][1:] == [
        "Open: every file",
        "Open: every kind of socket",
        "Open: every kind of socket",
        "Open: every capability",
    ]


def test_the_kernel_itself_stays_closed_where_files_are_open() -> None:
    baseline = learned(exec=[("/a",)])
    assert "deny @{PROC}/{sysrq-trigger,kcore,kmem,mem} mrwkl," in rules(baseline)
    privileged = learned(exec=[("/a",)], settings=[("privileged", "true")])
    assert not any(rule.startswith("deny") for rule in rules(privileged))
    assert {"mount,", "capability,"} <= set(rules(privileged))


def test_kinds_of_sockets_are_those_of_both_directions() -> None:
    listen: list[Element] = [("listen", "80", "tcp")]
    found = rules(learned(exec=[("/a",)], egress=[], ingress=listen))
    assert [rule for rule in found if rule.startswith("network inet")] == [
        "network inet stream,",
        "network inet6 stream,",
    ]
    assert "network," not in found
    asks = rules(learned(exec=[("/a",)], egress=[], ingress=[], dns=[("a.example",)]))
    assert {"network inet dgram,", "network inet stream,"} <= set(asks)
    odd = rules(learned(exec=[("/a",)], egress=[("10.0.0.1", "1", "gre")], ingress=[]))
    assert "network," in odd


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ([("capabilities.drop", "ALL"), ("capabilities.add", "NET_ADMIN")], ["net_admin"]),
        ([("capabilities.drop", "ALL"), ("capabilities.add", "x, y")], []),
        ([("capabilities.add", "ALL")], [""]),
        ([("capabilities.drop", "ALL"), ("capabilities.drop", "none")], 14),
    ],
)
def test_capabilities_are_those_that_were_granted(elements: list[Element], expected: list[str] | int) -> None:
    found = rules(learned(exec=[("/a",)], settings=elements))
    granted = [rule[len("capability") : -1].strip() for rule in found if rule.startswith("capability")]
    assert len(granted) == expected if isinstance(expected, int) else granted == expected


def test_what_was_taken_out_is_denied() -> None:
    never: dict[str, list[Element]] = {
        "exec": [("/usr/bin/wget",)],
        "file": [("/etc/shadow", "read"), ("/etc/**", "write")],
    }
    baseline = learned(never, exec=[("/usr/bin/*",)], file=[("/etc/**", "read")])
    assert [rule for rule in rules(baseline) if rule.startswith('deny "')] == [
        'deny "/usr/bin/wget" x,',
        'deny "/etc{,/}" wl,',
        'deny "/etc/**" wl,',
        'deny "/etc/shadow{,/}" mr,',
    ]


def test_what_cannot_be_denied_is_told() -> None:
    never: dict[str, list[Element]] = {"exec": [("/bin/busybox", "wget")], "egress": [("10.0.0.1", "1", "tcp")]}
    baseline = learned(never, exec=[("/bin/busybox", "sh")])
    assert told(baseline, "Never") == [
        "Never: exec /bin/busybox: is not forbidden, since the path is allowed otherwise.",
        "Never: egress 10.0.0.1 1 tcp: AppArmor cannot forbid it.",
    ]


@pytest.mark.parametrize("path", ["relative", "/memfd:x", "/a\0b"])
def test_a_path_that_has_no_place_in_a_profile_is_left_out_and_a_comment_says_so(path: str) -> None:
    baseline = learned(exec=[("/a",), (path,)])
    assert len([rule for rule in rules(baseline) if rule.endswith("mrix,")]) == 1
    assert len(told(baseline, "Left out")) == 1


def test_without_programs_and_files_there_is_none() -> None:
    with pytest.raises(ConfigurationError, match="made of exec and file, and neither is in version 3"):
        profile(learned(settings=[]))


@given(baselines(principals=hostile_principals).filter(lambda one: {"exec", "file"} & one.elements.keys()))
def test_no_name_ends_its_rule_or_its_comment(baseline: Baseline) -> None:
    head, _, body = profile(baseline).partition("include <tunables/global>\n")
    assert all(line.startswith("# ") for line in head.splitlines())
    assert all(LINE.fullmatch(line.strip()) for line in body.split("\n")[3:]), body


@needs_parser
@settings(max_examples=50)
@given(baselines(principals=hostile_principals).filter(lambda one: {"exec", "file"} & one.elements.keys()))
def test_the_parser_takes_every_profile(baseline: Baseline) -> None:
    compiled_baseline(baseline)


@needs_parser
@settings(max_examples=150)
@given(PATHS, PATHS)
def test_a_literal_path_is_that_path_alone(name: str, other: str) -> None:
    path = path_of(f"/{literal(name)}")
    assert path is not None
    found = compiled(*path_rules(path, "r", directories=False))
    assert found.permissions(f"/{name}") & READ
    assert not found.permissions(f"/{name}x")
    assert bool(found.permissions(f"/{other}")) == (name == other)


@needs_parser
@pytest.mark.parametrize(
    ("word", "within", "beyond"),
    [
        ("/srv/*", ["/srv/a", "/srv/a/", "/srv/.x", "/srv/é"], ["/srv/", "/srv", "/srv/a/b", "/srvx"]),
        ("/srv/*/x", ["/srv/a/x", "/srv/a/x/"], ["/srv//x", "/srv/a/b/x", "/srv/x"]),
        ("/srv/**", ["/srv", "/srv/", "/srv/a", "/srv/a/b/"], ["/srvx", "/sr"]),
        ("/srv/*/**", ["/srv/a", "/srv/a/", "/srv/a/b/c"], ["/srv/", "/srv"]),
        ("/a", ["/a", "/a/"], ["/a/b", "/"]),
        ("/", ["/"], ["/a"]),
        ("**", ["/", "/a", "/a/b"], []),
        ("/\\*", ["/*", "/*/"], ["/a"]),
        ("/[a]{b,c}?", ["/[a]{b,c}?"], ["/ab", "/abx", "/[a]bx"]),
    ],
)
def test_stars_are_segments_and_everything_else_is_literal(word: str, within: list[str], beyond: list[str]) -> None:
    path = path_of(word)
    assert path is not None
    found = compiled(*path_rules(path, "r", directories=True))
    assert [one for one in within if not found.permissions(one) & READ] == []
    assert [one for one in beyond if found.permissions(one)] == []


@needs_parser
def test_a_compiled_profile_allows_what_was_learned_and_not_more() -> None:
    never: dict[str, list[Element]] = {"exec": [("/opt/bin/wget",)], "file": [("/srv/secret", "read")]}
    found = compiled_baseline(learned(never, exec=[("/opt/bin/*",)], file=[("/srv/*", "read"), ("/data/**", "create")]))
    asked = {
        "/opt/bin/a": RUN | READ,
        "/opt/bin/wget": READ,
        "/opt/other": 0,
        "/srv/a": READ,
        "/srv/secret": 0,
        "/data/a/b": WRITE,
        "/etc/shadow": 0,
    }
    assert {path: found.permissions(path) & (RUN | READ | WRITE) for path in asked} == asked


@needs_parser
@given(st.sampled_from(["/dev/sda", "/sys/kernel/security/x", "/proc/kcore", "/proc/sys/fs/x"]))
def test_the_parser_reads_what_stays_closed_where_files_are_open(path: str) -> None:
    found = compiled_baseline(learned(exec=[("/a",)]))
    assert bool(found.permissions(path) & WRITE) == path.startswith("/dev")


def test_a_backslash_at_the_end_of_a_name_escapes_no_quote() -> None:
    baseline = Baseline("container:/shop/app/app", 1, {"exec": ()}, never={"exec": (("/x\\\\",),)})
    assert 'deny "/x\\134" x,' in apparmor(baseline, Options())
