"""What the user sees: the command ``dws``, its prompts, tables and progress. What the commands do is in
:mod:`dataworkspaces.commands`; nothing here decides anything about a workspace."""
