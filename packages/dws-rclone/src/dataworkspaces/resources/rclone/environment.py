"""Which variables ``RCLONE_…`` of the user's environment rclone gets: each option of rclone, and of each of its
commands, can be set by one.

A list of what is let through, and not of what is left out: with the others less would be done than is told
(``RCLONE_DRY_RUN``, ``RCLONE_MAX_TRANSFER``, ``RCLONE_EXCLUDE``, ``RCLONE_HEAD``), or files would be taken for the
same that are not (``RCLONE_MODIFY_WINDOW``, ``RCLONE_CHECKSUM`` where there are no hashes), or we would not understand
what is said (``RCLONE_LOG_FILE``), or a server would listen (``RCLONE_RC``); and rclone gets new ones.
"""

from __future__ import annotations

import re

_GENERAL = re.compile(
    r"RCLONE_(BIND|BUFFER_SIZE|BWLIMIT.*|CA_CERT|CACHE_DIR|CHECK_FIRST|CHECKERS|CLIENT_(CERT|KEY|PASS)|CONFIG_.*|CONTIMEOUT"
    r"|DELETE_(AFTER|BEFORE|DURING)|DISABLE_HTTP2|DISABLE_HTTP_KEEP_ALIVES|DSCP|EXPECT_CONTINUE_TIMEOUT|FAST_LIST"
    r"|HEADER.*|HTTP_PROXY|INPLACE|LOW_LEVEL_RETRIES|MAX_BUFFER_MEMORY|MAX_CONNECTIONS|MULTI_THREAD_.*"
    r"|NO_CHECK_CERTIFICATE|NO_GZIP_ENCODING|ORDER_BY|PASSWORD_COMMAND|RETRIES.*|SERVER_SIDE_ACROSS_CONFIGS"
    r"|STREAMING_UPLOAD_CUTOFF|TEMP_DIR|TIMEOUT|TPSLIMIT.*|TRANSFERS|USE_COOKIES|USE_MMAP|USER_AGENT)\Z"
)
"""How rclone talks to servers, how much at a time, and who it is."""
_KINDS = (
    "ALIAS", "ARCHIVE", "AZUREBLOB", "AZUREFILES", "B2", "BOX", "CHUNKER", "CLOUDINARY", "COMBINE", "COMPRESS", "CRYPT",
    "DOI", "DRIME", "DRIVE", "DROPBOX", "FICHIER", "FILEFABRIC", "FILELU", "FILEN", "FILESCOM", "FTP", "GCS", "GOFILE",
    "GPHOTOS", "HASHER", "HDFS", "HIDRIVE", "HTTP", "HUAWEIDRIVE", "ICLOUDDRIVE", "IMAGEKIT", "INTERNETARCHIVE",
    "INTERNXT", "JOTTACLOUD", "KOOFR", "LINKBOX", "MAILRU", "MEGA", "NETSTORAGE", "ONEDRIVE", "OOS", "OPENDRIVE",
    "PCLOUD", "PIKPAK", "PIXELDRAIN", "PREMIUMIZEME", "PROTONDRIVE", "PUTIO", "QINGSTOR", "QUATRIX", "S3", "SEAFILE",
    "SFTP", "SHADE", "SHAREFILE", "SIA", "SMB", "STORJ", "SUGARSYNC", "SWIFT", "TARDIGRADE", "ULOZTO", "UNION",
    "WEBDAV", "YANDEX", "ZOHO",
)  # fmt: skip
"""Of remotes, whose options are as good as those in the configuration. Those of the kind ``local`` are left out: they
count for the files here too, and some of them hide files."""
_OF_KINDS = re.compile(rf"RCLONE_({'|'.join(_KINDS)})_.*\Z")
_HIDING = re.compile(
    r"RCLONE_(DRIVE_(SKIP_.*|SHARED_WITH_ME|STARRED_ONLY|TRASHED_ONLY)|DROPBOX_SKIP_.*|S3_(VERSION_AT|VERSION_DELETED)"
    r"|B2_VERSION_AT|SFTP_SKIP_LINKS)\Z"
)
"""Those with which some files are not seen, or others."""
_OF_REMOTES = re.compile(
    rf"RCLONE_(CONFIG_(?!PASS\Z|DIR\Z).*|HEADER.*|CLIENT_(CERT|KEY|PASS)|HTTP_(?!PROXY\Z).*|({'|'.join(_KINDS)})_.*)\Z"
)
"""Options of the user's own remotes, credentials among them (``RCLONE_S3_ENV_AUTH``). rclone would take them for
remotes of another's configuration, too."""


def is_let_through(name: str, value: str, *, has_config: bool, is_shared: bool) -> bool:
    """Whether rclone gets a variable. An empty one is none, where rclone would want a number.

    :param has_config: rclone is told which configuration to take.
    :param is_shared: others can change that."""
    if not name.startswith("RCLONE_"):
        return True
    if not value or (is_shared and name != "RCLONE_HTTP_PROXY" and _OF_REMOTES.match(name)):
        return False
    if name == "RCLONE_CONFIG":
        return not has_config
    if _GENERAL.match(name):
        return True
    return _OF_KINDS.match(name) is not None and not _HIDING.match(name)
