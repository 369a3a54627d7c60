"""What a configuration of rclone may say that travels with a workspace: servers, and how to reach them.

A list of what is allowed, and not of what is refused: rclone has some sixty kinds of remotes, and gets new ones. Left
out are all kinds that lead to other remotes or to this machine (``local``, ``cache``, ``union``, ``combine``,
``alias``, ``hasher``, ``memory``, …), and all options that name a file of this machine, a program, a socket or
headers, or that have rclone look for credentials by itself (``env_auth``). What they mean is in its documentation.
"""

from __future__ import annotations

_OAUTH = {"client_id", "client_secret", "token", "auth_url", "token_url"}
_FOLDER = {"root_folder_id", "encoding"}

ALLOWED: dict[str, frozenset[str]] = {
    kind: frozenset({"type", "description", *options})
    for kind, options in {
        "s3": {
            "provider", "access_key_id", "secret_access_key", "session_token", "region", "endpoint", "acl",
            "bucket_acl",
            "location_constraint", "storage_class", "server_side_encryption", "sse_kms_key_id", "force_path_style",
            "v2_auth", "no_check_bucket", "no_head", "no_head_object", "chunk_size", "upload_cutoff", "copy_cutoff",
            "upload_concurrency", "list_chunk", "list_version", "list_url_encode", "disable_checksum", "disable_http2",
            "leave_parts_on_error", "use_multipart_etag", "use_accelerate_endpoint", "use_dual_stack", "encoding",
            "requester_pays", "directory_markers", "use_already_exists", "use_multipart_uploads",
            "use_unsigned_payload",
            "versions", "sign_accept_encoding", "directory_bucket",
        },
        "b2": {"account", "key", "endpoint", "hard_delete", "chunk_size", "upload_cutoff", "versions", "encoding"},
        "sftp": {
            "host", "user", "port", "pass", "key_pem", "key_use_agent", "use_insecure_cipher", "disable_hashcheck",
            "set_modtime", "shell_type", "skip_links", "disable_concurrent_reads", "disable_concurrent_writes",
            "idle_timeout", "chunk_size", "concurrency", "connections", "ciphers", "key_exchange", "macs",
            "host_key_algorithms",
        },
        "ftp": {
            "host", "user", "port", "pass", "tls", "explicit_tls", "concurrency", "no_check_certificate",
            "disable_epsv", "disable_mlsd", "disable_utf8", "writing_mdtm", "force_list_hidden", "idle_timeout",
            "close_timeout", "encoding",
        },
        "webdav": {
            "url", "vendor", "user", "pass", "bearer_token", "encoding", "pacer_min_sleep", "owncloud_exclude_shares",
            "nextcloud_chunk_size",
        },
        "http": {"url", "no_slash", "no_head"},
        "smb": {"host", "user", "port", "pass", "domain", "case_insensitive", "hide_special_share", "encoding"},
        "azureblob": {
            "account", "key", "sas_url", "tenant", "endpoint", "chunk_size", "access_tier", "public_access", "encoding",
            "upload_concurrency", "directory_markers",
        },
        "google cloud storage": {
            *_OAUTH, "project_number", "user_project", "anonymous", "object_acl", "bucket_acl", "bucket_policy_only",
            "location", "storage_class", "directory_markers", "encoding",
        },
        "swift": {
            "user", "key", "auth", "user_id", "domain", "tenant", "tenant_id", "tenant_domain", "region", "storage_url",
            "auth_token", "auth_version", "endpoint_type", "storage_policy", "chunk_size", "encoding",
        },
        "drive": {*_OAUTH, *_FOLDER, "scope", "team_drive", "shared_with_me", "use_trash"},
        "dropbox": {*_OAUTH, "encoding", "chunk_size", "shared_files", "shared_folders"},
        "onedrive": {*_OAUTH, *_FOLDER, "region", "drive_id", "drive_type", "chunk_size"},
        "box": {*_OAUTH, *_FOLDER, "upload_cutoff"},
        "pcloud": {*_OAUTH, *_FOLDER, "hostname"},
        "mega": {"user", "pass", "encoding"},
        "hdfs": {"namenode", "username", "encoding"},
    }.items()
}  # fmt: skip
"""By kind of remote."""

OVER_ANOTHER = {
    "crypt": frozenset({
        "type", "description", "remote", "password", "password2", "filename_encryption", "directory_name_encryption",
        "filename_encoding", "suffix", "strict_names",
    }),
}  # fmt: skip
"""Kinds that lead to a remote of the same configuration, which is of a kind above."""
