from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from deploy.baselines.operators import enrolled_operator, enrolment, operator_of, settings_lines
from schemas.errors import ConfigurationError
from schemas.keys import create_key, public_key_of
from schemas.policyset import Document, PolicySet, parse_policies
from schemas.settings import OperatorSettings, Settings


def enrolling(*texts: str) -> PolicySet:
    return parse_policies([Document(f"{number}.yaml", text) for number, text in enumerate(texts)], date(2026, 6, 1))


def test_who_is_enrolled_with_this_key_may_decide(tmp_path: Path) -> None:
    key = create_key(tmp_path / "alice.key")
    settings = OperatorSettings(name="alice", key_file=tmp_path / "alice.key")
    found = enrolled_operator(settings, enrolling(enrolment("alice", public_key_of(key))))
    assert (found.name, found.public_key) == ("alice", public_key_of(key))
    assert "PrivateKey" not in repr(found)


def test_without_a_key_it_says_how_to_make_one(tmp_path: Path) -> None:
    for settings in (OperatorSettings(), OperatorSettings(name="alice"), OperatorSettings(key_file=tmp_path / "a.key")):
        with pytest.raises(ConfigurationError, match="tidewaiter keys new NAME"):
            operator_of(settings)
    with pytest.raises(ConfigurationError, match="keys new"):
        operator_of(OperatorSettings(name="alice", key_file=tmp_path / "none.key"))


def test_who_is_not_enrolled_is_shown_what_to_enrol(tmp_path: Path) -> None:
    key, other = create_key(tmp_path / "alice.key"), create_key(tmp_path / "other.key")
    settings = OperatorSettings(name="alice", key_file=tmp_path / "alice.key")
    with pytest.raises(ConfigurationError, match=r"alice is not enrolled(.|\n)*policy apply") as told:
        enrolled_operator(settings, PolicySet.empty())
    assert public_key_of(key) in str(told.value)
    with pytest.raises(ConfigurationError, match="alice is enrolled with another key"):
        enrolled_operator(settings, enrolling(enrolment("alice", public_key_of(other))))


@pytest.mark.parametrize("name", ["alice", "on", "1", "null"])
def test_the_lines_are_read_as_they_were_meant(name: str, tmp_path: Path) -> None:
    key = public_key_of(create_key(tmp_path / "it's.key"))
    (person,) = enrolling(enrolment(name, key)).policies[0].people
    assert (person.name, person.key) == (name, key)
    settings = Settings(**yaml.safe_load(settings_lines(name, tmp_path / "it's.key")))
    assert settings.operator == OperatorSettings(name=name, key_file=tmp_path / "it's.key")
