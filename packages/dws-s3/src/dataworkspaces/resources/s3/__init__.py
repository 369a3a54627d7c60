"""The resource type ``s3``: the objects of a bucket that keeps versions, or those below a prefix of it."""

from dataworkspaces.resources.s3.factory import S3Factory

FACTORY = S3Factory()

__all__ = ["FACTORY", "S3Factory"]
