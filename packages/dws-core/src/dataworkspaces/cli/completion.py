"""Shell completion: the scripts for bash, zsh and fish, and the answers to what they ask.

click does the work. Its scripts for bash and fish are replaced, since they take values apart at blanks and commas, and
resource names hold blanks, lists of them commas.
"""

from __future__ import annotations

import os
import re

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

_BASH = """\
%(complete_func)s() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            dir,*) compopt -o dirnames 2>/dev/null ;;
            file,*) compopt -o default 2>/dev/null ;;
            plain,*) COMPREPLY+=("${line#plain,}") ;;
        esac
    done < <(IFS=$'\\n'; env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null || complete -F %(complete_func)s %(prog_name)s
"""

_FISH = """\
function %(complete_func)s
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp | string collect) \\
        COMP_CWORD=(commandline -t | string collect) %(prog_name)s)
    for completion in $response
        set -l parts (string split --max 1 "," -- $completion)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                echo $parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


_BASH_SPECIAL_RE = re.compile(r"[^A-Za-z0-9_./,+@:=-]")


class _Bash(BashComplete):
    source_template = _BASH

    def source(self) -> str:
        return ShellComplete.source(self)  # BashComplete starts a bash to ask for its version.

    def get_completion_args(self) -> tuple[list[str], str]:
        """bash takes ``--only=code`` for three words."""
        args, incomplete = super().get_completion_args()
        return [arg for arg in args if arg != "="], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """bash puts the value on the command line as it is."""
        value = _BASH_SPECIAL_RE.sub(r"\\\g<0>", item.value or "")
        return f"{item.type},{value}"


class _Fish(FishComplete):
    source_template = _FISH


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": ZshComplete, "fish": _Fish}


def script(command: click.Command, shell: str, variable: str) -> str:
    """What a shell has to source."""
    return SHELLS[shell](command, {}, "dws", variable).source()


def answer(command: click.Command, instruction: str, variable: str) -> int:
    """Print what completes the words in ``COMP_WORDS``, as ``SHELL_complete`` or ``SHELL_source`` ask; return the exit
    status. An error is no completion: nothing may spoil the line that somebody is typing."""
    shell, _, task = instruction.partition("_")
    if shell not in SHELLS:
        return 1
    try:
        if task == "source":
            click.echo(script(command, shell, variable), nl=False)
        else:
            click.echo(SHELLS[shell](command, {}, "dws", variable).complete())
    except (Exception, SystemExit) as e:
        if os.environ.get("DWS_DEBUG"):
            raise
        return 0 if not isinstance(e, BrokenPipeError) else 1
    return 0
