"""The settings that reach a secured Kafka, said in Faust's words: ``kafka.client`` holds them in librdkafka's."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final

from faust import SASLCredentials
from faust.auth import SSLCredentials
from faust.types.auth import CredentialsT

from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings

__all__ = ["credentials_of"]

_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_PROTOCOLS: Final = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")


def credentials_of(settings: KafkaSettings) -> CredentialsT | None:
    """Return what Faust shows to the broker, None for a plain connection.

    Raises ``ConfigurationError`` for a protocol or mechanism that Faust has not, or files that cannot be read.
    """
    client = {name: str(value) for name, value in settings.client_configuration().items()}
    protocol = client.get("security.protocol", "plaintext").lower()
    if protocol not in _PROTOCOLS:
        raise ConfigurationError(f"kafka.client security.protocol {protocol!r}: correlate has {', '.join(_PROTOCOLS)}")
    context = _context(client) if protocol.endswith("ssl") else None
    if protocol.startswith("sasl"):
        return _sasl(client, context)
    return SSLCredentials(context) if context else None


def _sasl(client: Mapping[str, str], context: ssl.SSLContext | None) -> CredentialsT:
    mechanism = client.get("sasl.mechanism") or client.get("sasl.mechanisms") or "GSSAPI"
    if mechanism not in _MECHANISMS:
        raise ConfigurationError(f"kafka.client sasl.mechanism {mechanism}: correlate has {', '.join(_MECHANISMS)}")
    return SASLCredentials(
        username=client.get("sasl.username", ""),
        password=client.get("sasl.password", ""),
        ssl_context=context,
        mechanism=mechanism,
    )


def _context(client: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=client.get("ssl.ca.location"))
        if "ssl.certificate.location" in client:
            context.load_cert_chain(
                client["ssl.certificate.location"], client.get("ssl.key.location"), client.get("ssl.key.password")
            )
    except OSError as error:
        raise ConfigurationError(f"kafka.client ssl.…: {error}; name readable files in PEM") from error
    context.check_hostname = client.get("ssl.endpoint.identification.algorithm", "https").lower() != "none"
    if client.get("enable.ssl.certificate.verification", "true").lower() == "false":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
