"""Keys of people who decide: ``keys new``, ``keys show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from deploy.baselines.operators import Operator, enrolment, operator_of, settings_lines
from deploy.cli.console import err, out
from deploy.cli.options import Json
from schemas.codec import dumps
from schemas.errors import ConfigurationError
from schemas.keys import create_key
from schemas.policy import Person
from schemas.settings import load_settings

__all__ = ["app"]

_ANY_KEY: Final = f"ed25519:{'A' * 43}="
"""A public key of nobody, beside which a name is checked before its key is made."""

app = typer.Typer(help="Keys of people who decide about baselines: make one, show one.", no_args_is_help=True)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who decides: small letters, digits and hyphens.")],
    file: Annotated[
        Path | None, typer.Option(help="Where the private key goes; by default your configuration.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key (Ed25519), and print what enrols it. The private key stays in its file; nobody else needs it."""
    key_file = (file or Path(typer.get_app_dir("tidewaiter")) / f"{name}.key").absolute()
    _check_name(name)
    operator = Operator(name, create_key(key_file))
    err.print(f"the private key is in {key_file}; keep it to yourself", markup=False, soft_wrap=True)
    _print(operator, key_file, as_json=as_json)


@app.command()
def show(as_json: Json = False) -> None:
    """Show the operator of the settings: who decides here, and with which key."""
    settings = load_settings().operator
    operator = operator_of(settings)
    _print(operator, settings.key_file or Path(), as_json=as_json)


def _check_name(name: str) -> None:
    try:
        Person(name=name, key=_ANY_KEY)
    except ValidationError as error:
        raise ConfigurationError(
            f"{name!r} cannot be enrolled: a name has small letters, digits and hyphens"
        ) from error


def _print(operator: Operator, key_file: Path, *, as_json: bool) -> None:
    if as_json:
        told = {"name": operator.name, "key": operator.public_key, "key_file": str(key_file)}
        out.print_json(dumps(told).decode(), indent=None)
        return
    out.print(
        "# a policy of its own, or `people` into one of yours; then `tidewaiter policy apply` with all policies",
        style="dim",
        markup=False,
        soft_wrap=True,
    )
    out.print(enrolment(operator.name, operator.public_key), markup=False, soft_wrap=True)
    out.print("# into tidewaiter.yaml", style="dim", markup=False, soft_wrap=True)
    out.print(settings_lines(operator.name, key_file), markup=False, soft_wrap=True)
