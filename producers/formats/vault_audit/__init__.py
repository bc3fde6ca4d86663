"""The audit log of HashiCorp Vault and of OpenBao; see ``vault_audit.format``."""

from producers.formats.vault_audit.format import VaultAuditFormat

__all__ = ["VaultAuditFormat"]
