from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from faust import SASLCredentials
from faust.auth import SSLCredentials
from pydantic import SecretStr

from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings
from streams.correlate.security import credentials_of


def of(password: str | None = None, **client: str) -> KafkaSettings:
    named = {name.replace("_", "."): value for name, value in client.items()}
    return KafkaSettings(client=named, password=SecretStr(password) if password else None)


def test_a_plain_connection_has_no_credentials() -> None:
    assert credentials_of(of()) is None
    assert credentials_of(of(security_protocol="PLAINTEXT")) is None


def test_tls_verifies_the_broker_and_its_name() -> None:
    found = credentials_of(of(security_protocol="ssl"))
    assert isinstance(found, SSLCredentials)
    assert found.context.verify_mode is ssl.CERT_REQUIRED
    assert found.context.check_hostname


def test_verification_can_be_given_up_as_with_the_other_clients() -> None:
    found = credentials_of(of(security_protocol="ssl", ssl_endpoint_identification_algorithm="none"))
    assert isinstance(found, SSLCredentials)
    assert not found.context.check_hostname
    assert found.context.verify_mode is ssl.CERT_REQUIRED
    found = credentials_of(of(security_protocol="ssl", enable_ssl_certificate_verification="false"))
    assert isinstance(found, SSLCredentials)
    assert found.context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize("protocol", ["sasl_plaintext", "SASL_SSL"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_names_and_passwords_are_shown(protocol: str, mechanism: str) -> None:
    found = credentials_of(
        of("hidden", security_protocol=protocol, sasl_mechanism=mechanism, sasl_username="correlate")
    )
    assert isinstance(found, SASLCredentials)
    assert (found.username, found.password, found.mechanism.value) == ("correlate", "hidden", mechanism)
    assert (found.ssl_context is not None) == (protocol == "SASL_SSL")
    assert "hidden" not in repr(found)


def test_what_faust_has_not_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="GSSAPI"):
        credentials_of(of(security_protocol="sasl_ssl"))
    with pytest.raises(ConfigurationError, match="'quic'"):
        credentials_of(of(security_protocol="quic"))


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"kafka\.client ssl"):
        credentials_of(of(security_protocol="ssl", ssl_ca_location=str(tmp_path / "ca.pem")))
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"kafka\.client ssl"):
        credentials_of(of(security_protocol="ssl", ssl_ca_location=str(tmp_path / "ca.pem")))
