"""``dws attest``."""

from __future__ import annotations

from pathlib import Path

import click

from dataworkspaces.cli.param_types import SnapshotName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

snapshot_argument = click.argument("snapshot", metavar="SNAPSHOT", type=SnapshotName())


@click.group()
@common_options
def attest() -> None:
    """Record with a snapshot that it was reproduced, sign the record, and verify what others have signed.

    \b
    Examples:
      dws attest add V1 verdict.json
      dws attest sign V1
      dws attest verify V1 --allowed-signers signers
    """


@attest.command(short_help="Attach a verdict of dws reproduce to a snapshot")
@snapshot_argument
@click.argument("verdict", metavar="VERDICT.json", type=click.Path(exists=True, dir_okay=False))
@json_option
@common_options
@pass_session
def add(session: Session, snapshot: str, verdict: str, as_json: bool) -> None:
    """Attach the verdict of 'dws reproduce SNAPSHOT --json' to the snapshot, as an in-toto Statement.

    \b
    Example: dws attest add V1 verdict.json
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.attest import add_attestation

    workspace = session.open_workspace()
    added = add_attestation(workspace, snapshot, Path(verdict))
    if as_json:
        print_json(added.to_json())
    else:
        workspace.interaction.tell(f"Attested {snapshot}: {added.describe()}")


@attest.command(name="list", short_help="List attestations")
@snapshot_argument
@json_option
@common_options
@pass_session
def list_(session: Session, snapshot: str, as_json: bool) -> None:
    """List the attestations of a snapshot. Anybody may have written them; 'dws attest verify' shows who signed them.

    \b
    Example: dws attest list V1
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape
    from dataworkspaces.commands.attest import list_attestations

    _, found = list_attestations(session.open_workspace(reading=True), snapshot)
    if as_json:
        print_json([each.to_json() for each in found])
        return
    for each in found:
        click.echo(escape(each.describe()))
    if not found:
        click.echo("No attestations", err=True)


@attest.command(short_help="Sign attestations with your SSH key")
@snapshot_argument
@click.option("--key", metavar="FILE", help="The SSH key (default: git's user.signingKey).")
@json_option
@common_options
@pass_session
def sign(session: Session, snapshot: str, key: str | None, as_json: bool) -> None:
    """Sign the attestations of a snapshot with your SSH key, as git signs commits.

    \b
    Example: dws attest sign V1 --key ~/.ssh/id_ed25519
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.attest import sign_attestations

    workspace = session.open_workspace()
    signed = sign_attestations(workspace, snapshot, key)
    if as_json:
        print_json([each.to_json() for each in signed])
        return
    for each in signed:
        workspace.interaction.tell(f"Signed: {each.describe().rpartition(';')[0]}")
    if not signed:
        workspace.interaction.tell("All attestations have your signature already")


@attest.command(short_help="Verify the signatures of attestations")
@snapshot_argument
@click.option(
    "--allowed-signers",
    metavar="FILE",
    help="The people whose signatures count, in the format of ssh-keygen (default: git's gpg.ssh.allowedSignersFile).",
)
@json_option
@common_options
@pass_session
def verify(session: Session, snapshot: str, allowed_signers: str | None, as_json: bool) -> None:
    """Verify the signatures of a snapshot's attestations. The exit status is 0 if one of them has a good signature of
    an allowed signer, and none is forged.

    \b
    Example: dws attest verify V1 --allowed-signers signers
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape
    from dataworkspaces.commands.attest import verify_attestations

    found = verify_attestations(session.open_workspace(reading=True), snapshot, allowed_signers)
    if as_json:
        print_json([each.to_json() for each in found])
    for each in [] if as_json else found:
        state = (
            f"good signature of {', '.join(each.signers)}" if each.problem is None else f"NOT VERIFIED: {each.problem}"
        )
        click.echo(escape(f"{state}: {each.attestation.describe()}"))
    if any(each.is_forged for each in found) or not any(each.problem is None for each in found):
        raise click.exceptions.Exit(1)
