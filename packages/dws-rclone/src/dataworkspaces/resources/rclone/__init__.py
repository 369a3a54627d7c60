"""The resource type ``rclone``: a directory of files that rclone copies to or from a remote."""
