from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.formats.credentials import credentials_in, names_credential

GITHUB = "gh" + "p_0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("access.properties", "aws_access_key_id = MY-ID\naws_secret_access_key = MY-KEY\n", 2),
        ("access.properties", "aws-s3-access-key-id: MY-ID", 1),
        ("app.yaml", "database:\n  password: hunter2\n", 1),
        ("app.json", '{"clientSecret": "abc", "user": "x"}', 1),
        ("app.ini", "passphrase=hunter2", 1),
        ("DB_PASSWORD", "hunter2", 1),
        ("apiKey", "hunter2", 1),
        ("token", "hunter2", 1),
        ("id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", 1),
        ("x", "AKIA" + "IOSFODNN7EXAMPLE", 1),
        ("x", f"git clone https://{GITHUB}@github.com/x", 1),
        ("url", "postgres://shop:hunter2@db:5432/shop", 1),
        ("ui.properties", "color.good=purple\nallow.textmode=true\n", 0),
        ("DB_PASSWORD", "", 0),
        ("DB_PASSWORD", "${DB_PASSWORD}", 0),
        ("app.yaml", "password: {{ .Values.password }}", 0),
        ("app.yaml", "password: null\ntoken: ''", 0),
        ("app.yaml", "password_file: /run/secrets/db", 0),
        ("app.yaml", "password: /run/secrets/db", 0),
        ("tls_secret", "shop-tls", 0),
        ("ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA", 0),
        ("url", "https://example.org:8443/a@b", 0),
        ("password-policy", "at least 12 characters", 0),
    ],
)
def test_tells_credentials_from_other_text(name: str, text: str, found: int) -> None:
    assert len(credentials_in(name, text)) == found


def test_names_what_it_has_found_in_one_way() -> None:
    assert credentials_in("a", "AWS_ACCESS_KEY_ID=x\naws.secret.access.key: y") == [
        "aws-access-key-id",
        "aws-secret-access-key",
    ]


@pytest.mark.parametrize("name", ["passwords", "monkey", "keyboard", "tokenizer", "secretName", "author", ""])
def test_names_that_are_like_credentials_are_none(name: str) -> None:
    assert not names_credential(name)


@given(st.text(alphabet="abcdefghij0123456789", min_size=12, max_size=40))
def test_a_value_is_never_told(value: str) -> None:
    told = " ".join(credentials_in("password", f"password={value}\nurl=https://u:{value}@host/"))
    assert told
    assert value not in told


def test_long_text_without_a_credential_is_read_in_one_pass() -> None:
    assert credentials_in("x" * 100_000, "pass" * 250_000) == []
    assert credentials_in("a.b-" * 50_000, "eyJ" + "a" * 1_000_000) == []
