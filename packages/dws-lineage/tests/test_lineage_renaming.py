"""Lineage in which resources have other names."""

from __future__ import annotations

from datetime import datetime

from dataworkspaces.lineage import ResourceRef
from dataworkspaces.lineage.model import CodeFiles, HashCertificate, ResourceCert, StepLineage
from dataworkspaces.lineage.renamed_lineage import rename_entries

PLACE = ResourceRef("code", "train.py")
CERT = ResourceCert(PLACE, HashCertificate("1234", "by hand"))


def test_files_of_code_are_those_of_the_resource_by_its_new_name() -> None:
    step = StepLineage(
        "train", datetime(2026, 1, 1), code=(CERT,), code_files=(CodeFiles(PLACE, {"train.py": "x"}, "y"),)
    )
    (renamed,) = rename_entries([step], lambda name: {"code": "scripts"}.get(name, name))
    assert isinstance(renamed, StepLineage)
    assert [found.ref for found in renamed.code_files] == [cert.ref for cert in renamed.code]
    assert renamed.code_files[0].ref == ResourceRef("scripts", "train.py")
