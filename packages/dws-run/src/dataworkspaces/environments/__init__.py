"""The kinds of environments that this distribution knows: Python, conda, containers."""
