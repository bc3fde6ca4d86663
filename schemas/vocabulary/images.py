"""Where images may come from, how they must be named, and what must and must not be known of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.vocabulary.clause import Clause, Clauses, Denials, Match, Notes, Requirement, Section, WrittenClause
from schemas.vocabulary.values import Level, Model, Names, Paths, Registry, Some, Truth

__all__ = ["Images", "MaximumAge", "Pushed"]


class RegistryMatch(Match):
    """A registry, and a repository in it with all below."""

    short: ClassVar[str] = "registry"
    word: ClassVar[str] = "registry"
    registry: Some[Registry] | None = None


class TagMatch(Match):
    """A tag that an image is asked for by."""

    short: ClassVar[str] = "tag"
    word: ClassVar[str] = "tag"
    tag: Names | None = None


class SignerMatch(Match):
    """Someone who has signed an image: the id of a key, or the identity of a certificate."""

    short: ClassVar[str] = "signer"
    signer: Names | None = None


class VulnerabilityMatch(Match):
    """A vulnerability that a scanner has found in an image."""

    short: ClassVar[str] = "severity"
    severity: Some[Level] | None = None
    fixable: Truth | None = None
    id: Names | None = None
    package: Names | None = None


class FoundSecretMatch(Match):
    """A secret that a scanner has found in an image, by the scanner's rule and where it lies."""

    short: ClassVar[str] = "rule"
    rule: Names | None = None
    path: Paths | None = None


class MalwareMatch(Match):
    """Malware that a scanner has found in an image."""

    short: ClassVar[str] = "signature"
    signature: Names | None = None
    path: Paths | None = None


class MisconfigurationMatch(Match):
    """What a scanner blames in how an image was made."""

    short: ClassVar[str] = "severity"
    severity: Some[Level] | None = None
    id: Names | None = None


class PackageMatch(Match):
    """A package in an image."""

    short: ClassVar[str] = "package"
    word: ClassVar[str] = "package"
    package: Names | None = None
    version: Names | None = None


class ExecutableMatch(Match):
    """An executable file in an image."""

    short: ClassVar[str] = "path"
    path: Paths | None = None


class RegistryClause(RegistryMatch, Clause):
    except_: Some[RegistryMatch] = Field(default=(), alias="except")


class TagClause(TagMatch, Clause):
    except_: Some[TagMatch] = Field(default=(), alias="except")


class SignerClause(SignerMatch, Clause):
    except_: Some[SignerMatch] = Field(default=(), alias="except")


class VulnerabilityClause(VulnerabilityMatch, Clause):
    except_: Some[VulnerabilityMatch] = Field(default=(), alias="except")


class FoundSecretClause(FoundSecretMatch, Clause):
    except_: Some[FoundSecretMatch] = Field(default=(), alias="except")


class MalwareClause(MalwareMatch, Clause):
    except_: Some[MalwareMatch] = Field(default=(), alias="except")


class MisconfigurationClause(MisconfigurationMatch, Clause):
    except_: Some[MisconfigurationMatch] = Field(default=(), alias="except")


class PackageClause(PackageMatch, Clause):
    except_: Some[PackageMatch] = Field(default=(), alias="except")


class ExecutableClause(ExecutableMatch, Clause):
    except_: Some[ExecutableMatch] = Field(default=(), alias="except")


class MaximumAge(Section):
    """An age in days from which on something is too old."""

    short: ClassVar[str] = "days"
    days: Annotated[int, Field(ge=1, le=36_500, strict=True)]

    def written(self, section: str) -> Iterator[WrittenClause]:
        """Return the one clause."""
        yield WrittenClause(section, "require", section, self, self.over(Notes()))


class Pushed(Requirement):
    """That an image was pushed to one of our registries: one that these patterns name, or any that tells us of pushes."""

    registries: Some[Registry] | None = None


class Images(Model):
    """What images are asked: by their reference, and by what scanners, registries and signatures tell of them."""

    registries: Clauses[RegistryClause] | None = None
    tags: Clauses[TagClause] | None = None
    digest: Requirement | None = None
    pushed: Pushed | None = None
    signature: Requirement | None = None
    signers: Clauses[SignerClause] | None = None
    scan: Requirement | None = None
    max_age_days: MaximumAge | None = None
    max_scan_age_days: MaximumAge | None = None
    vulnerabilities: Denials[VulnerabilityClause] | None = None
    secrets: Denials[FoundSecretClause] | None = None
    malware: Denials[MalwareClause] | None = None
    misconfigurations: Denials[MisconfigurationClause] | None = None
    packages: Denials[PackageClause] | None = None
    executables: Denials[ExecutableClause] | None = None

    def registered(self) -> Pushed | None:
        """Return what ``pushed`` requires, of the registries that are allowed here where it names none itself."""
        if self.pushed is None or self.pushed.registries or self.registries is None:
            return self.pushed
        listed = self.registries.only or self.registries.allow
        patterns = tuple(pattern for clause in listed for pattern in clause.registry or ())
        return self.pushed.model_copy(update={"registries": patterns or None})
