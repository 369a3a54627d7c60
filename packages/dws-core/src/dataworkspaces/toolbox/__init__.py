"""Small things that plug-ins may use too: opening files that should be regular ones, directories of several users, what
lies at a place."""

__all__ = ["content", "regular", "shared_directories"]
