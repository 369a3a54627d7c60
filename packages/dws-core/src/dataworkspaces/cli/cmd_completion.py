"""``dws completion``."""

from __future__ import annotations

import click

SHELL_NAMES = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELL_NAMES))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the shell script that completes commands, resources, tags and parameters of dws.

    \b
    Examples:
    bash: add this to ~/.bashrc:                        eval "$(dws completion bash)"
    zsh:  add this to ~/.zshrc, after compinit:         eval "$(dws completion zsh)"
    fish: dws completion fish > ~/.config/fish/completions/dws.fish
    """
    from dataworkspaces.cli.completion import script
    from dataworkspaces.cli.main import COMPLETE_VARIABLE

    click.echo(script(ctx.find_root().command, shell, COMPLETE_VARIABLE), nl=False)
