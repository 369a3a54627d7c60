"""The resource type ``s3``: how such resources are added and opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.s3.bucket import Bucket
from dataworkspaces.resources.s3.resource import S3Resource
from dataworkspaces.workspace import ResourceFactory, Workspace

if TYPE_CHECKING:
    import click


class S3Factory(ResourceFactory):
    command_name = "s3"
    help = "the objects of an S3 bucket that keeps versions"
    example = "--role source-data my-bucket/images"
    param_defs = S3Resource.param_defs

    def get_click_params(self) -> list[click.Parameter]:
        import click

        return [
            click.Argument(["bucket"], metavar="BUCKET[/PREFIX]"),
            click.Option(["--profile"], metavar="NAME", help="A profile of the AWS command line."),
            click.Option(["--endpoint-url"], metavar="URL", help="The URL of a server that is not Amazon's."),
            click.Option(["--region"], metavar="NAME", help="The region of the bucket."),
            click.Option(["--anonymous"], is_flag=True, help="Do not sign requests: the bucket is public."),
        ]

    def precheck(self, workspace: Workspace, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Asks the server whether the bucket is there, can be read, and keeps versions."""
        _bucket(kwargs).check_versioned()
        return {}

    def from_command_line(self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any) -> S3Resource:
        """:param bucket: ``BUCKET``, ``BUCKET/PREFIX`` or ``s3://BUCKET/PREFIX``.
        :param profile, endpoint_url, region, anonymous: see ``dws add s3 --help``."""
        bucket = _bucket(kwargs)
        bucket.check_versioned()
        return S3Resource(name, role, workspace, bucket)

    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> S3Resource:
        for name, definition in self.param_defs.items():
            if name in params:
                definition.validate(params[name])
        bucket = Bucket(
            params["bucket_name"],
            _directory(params.get("prefix") or ""),
            profile=params.get("profile"),
            endpoint_url=params.get("endpoint_url"),
            region=params.get("region"),
            anonymous=bool(params.get("anonymous")),
        )
        return S3Resource(params["name"], params["role"], workspace, bucket)

    def has_local_state(self) -> bool:
        """A version that it is pinned to stays on its machine; a new one begins with the present files."""
        return False

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        bucket_name, prefix = split_place(kwargs["bucket"])
        return prefix.rstrip("/").rpartition("/")[2] or bucket_name


def _bucket(options: dict[str, Any]) -> Bucket:
    """That which arguments of ``dws add`` name."""
    bucket_name, prefix = split_place(options["bucket"])
    return Bucket(
        bucket_name,
        prefix,
        profile=options.get("profile"),
        endpoint_url=options.get("endpoint_url"),
        region=options.get("region"),
        anonymous=bool(options.get("anonymous", False)),
    )


def split_place(place: str) -> tuple[str, str]:
    """The bucket, and a prefix that is empty or ends with ``/``."""
    scheme, separator, rest = place.partition("://")
    if separator and scheme != "s3":
        raise ConfigurationError(
            f"'{place}' is not an S3 location", hint="As in BUCKET, BUCKET/PREFIX or s3://BUCKET/PREFIX"
        )
    name, _, prefix = (rest if separator else place).partition("/")
    return name, _directory(prefix)


def _directory(prefix: str) -> str:
    prefix = prefix.strip("/")
    return f"{prefix}/" if prefix else ""
