"""PROV-JSON, as the library prov writes it, without its records: they take four times as long as all else of an export.

A test has the library read it back, and compares."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from prov.identifier import Namespace, QualifiedName
from prov.serializers.provjson import encode_json_representation

Attributes = Iterable[tuple[QualifiedName, Any]]


class JsonDocument:
    """The methods of :class:`prov.model.ProvDocument` that we use.

    :ivar content: what is to be written."""

    def __init__(self) -> None:
        self.content: dict[str, dict[str, Any]] = {"prefix": {}}
        self._relations = 0

    def add_namespace(self, prefix: str, uri: str) -> Namespace:
        self.content["prefix"][prefix] = uri
        return Namespace(prefix, uri)

    # -- elements ------------------------------------------------------------------------------------------------

    def entity(self, identifier: QualifiedName, other_attributes: Attributes = ()) -> None:
        self._record("entity", str(identifier), {}, other_attributes)

    def activity(
        self,
        identifier: QualifiedName,
        startTime: datetime | None = None,
        endTime: datetime | None = None,
        other_attributes: Attributes = (),
    ) -> None:
        self._record("activity", str(identifier), {"startTime": startTime, "endTime": endTime}, other_attributes)

    def agent(self, identifier: QualifiedName, other_attributes: Attributes = ()) -> None:
        self._record("agent", str(identifier), {}, other_attributes)

    # -- relations -----------------------------------------------------------------------------------------------

    def usage(self, activity: QualifiedName, entity: QualifiedName, *, other_attributes: Attributes = ()) -> None:
        self._relation("used", {"activity": activity, "entity": entity}, other_attributes)

    def generation(
        self,
        entity: QualifiedName,
        activity: QualifiedName,
        time: datetime | None = None,
        *,
        other_attributes: Attributes = (),
    ) -> None:
        self._relation("wasGeneratedBy", {"entity": entity, "activity": activity, "time": time}, other_attributes)

    def derivation(self, generated: QualifiedName, used: QualifiedName, activity: QualifiedName) -> None:
        self._relation("wasDerivedFrom", {"generatedEntity": generated, "usedEntity": used, "activity": activity})

    def specialization(self, specific: QualifiedName, general: QualifiedName) -> None:
        self._relation("specializationOf", {"specificEntity": specific, "generalEntity": general})

    def association(self, activity: QualifiedName, agent: QualifiedName, plan: QualifiedName | None = None) -> None:
        self._relation("wasAssociatedWith", {"activity": activity, "agent": agent, "plan": plan})

    def attribution(self, entity: QualifiedName, agent: QualifiedName) -> None:
        self._relation("wasAttributedTo", {"entity": entity, "agent": agent})

    def delegation(self, delegate: QualifiedName, responsible: QualifiedName, activity: QualifiedName) -> None:
        self._relation("actedOnBehalfOf", {"delegate": delegate, "responsible": responsible, "activity": activity})

    # -- records -------------------------------------------------------------------------------------------------

    def _relation(self, kind: str, known: dict[str, QualifiedName | datetime | None], more: Attributes = ()) -> None:
        self._relations += 1
        self._record(kind, f"_:id{self._relations}", known, more)

    def _record(
        self, kind: str, identifier: str, known: dict[str, QualifiedName | datetime | None], more: Attributes
    ) -> None:
        record: dict[str, Any] = {
            f"prov:{name}": value.isoformat() if isinstance(value, datetime) else str(value)
            for name, value in known.items()
            if value is not None
        }
        values: dict[str, list[Any]] = {}
        for name, value in more:
            written = value if isinstance(value, (str, bool)) else encode_json_representation(value)
            found = values.setdefault(str(name), [])
            if written not in found:
                found.append(written)
        record.update((name, found[0] if len(found) == 1 else found) for name, found in values.items())
        self.content.setdefault(kind, {})[identifier] = record
