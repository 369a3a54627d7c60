"""What resources that are directories of files stand on: versions that are trees, what is kept of them here and at
remotes, and directories that are elsewhere on each machine."""
