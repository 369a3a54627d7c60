"""Small things for everybody, plug-ins included: files written whole, locks, names and paths that are checked,
processes, what lies at a place. Each module is public, and says in its ``__all__`` what it offers."""

__all__ = [
    "atomic",
    "code_content",
    "content",
    "flat",
    "heartbeat",
    "hostname",
    "lock",
    "lock_holder",
    "lock_without_space",
    "logs",
    "metrics",
    "move_files",
    "names",
    "notebooks",
    "processes",
    "regular",
    "shared_directories",
    "version",
    "whole_writes",
]
