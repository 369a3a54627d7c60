"""Git repositories: the one place where git is run, and what the backend and the resources share."""
