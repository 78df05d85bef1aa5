"""docs/openapi.yaml as a judge of real requests and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from attrs import define, field, frozen
from jsonschema import Draft202012Validator, FormatChecker

from tests.support.http import Response
from tests.support.process import ROOT

DOCUMENT = ROOT / "docs" / "openapi.yaml"
_METHODS = ("get", "post", "put", "patch", "delete")


@frozen
class Operation:
    """One method of one path."""

    method: str
    path: str
    spec: Mapping[str, Any] = field(repr=False)

    @property
    def access(self) -> str:
        return str(self.spec["x-access"])


@define
class Contract:
    """The document, its operations, and what was checked against it."""

    document: Mapping[str, Any] = field(repr=False)
    seen: set[tuple[str, str, int]] = field(factory=set, init=False)

    @classmethod
    def load(cls) -> Contract:
        """The document of this checkout."""
        return cls(yaml.safe_load(DOCUMENT.read_text("utf-8")))

    def operations(self) -> Iterator[Operation]:
        """Every operation, in the document's order."""
        for path, item in self.document["paths"].items():
            for method in _METHODS:
                if method in item:
                    yield Operation(method.upper(), path, item[method])

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation behind a real path, such as `/orgs/school86`."""
        for one in self.operations():
            pattern = re.sub(r"\{\w+\}", "[^/]+", one.path)
            if one.method == method and re.fullmatch(pattern, path.partition("?")[0]):
                return one
        return None

    def check(self, method: str, path: str, response: Response) -> None:
        """An answer has a documented status and exactly the documented shape.

        Raises:
            AssertionError: it has not; says where.
        """
        operation = self.operation(method, path)
        if operation is None:
            self.validate({"$ref": "#/components/schemas/Error"}, response.json, f"{method} {path}")
            return
        what = f"{method} {operation.path} {response.status}"
        described = operation.spec["responses"].get(str(response.status))
        assert described is not None, f"{what}: not in docs/openapi.yaml: {response.json}"
        schema = self.resolved(described)["content"]["application/json"]["schema"]
        self.validate(schema, response.json, what)
        self.seen.add((method, operation.path, response.status))

    def check_request(self, method: str, path: str, body: Any) -> None:
        """A body that the module took in is one that the document allows."""
        operation = self.operation(method, path)
        assert operation is not None, f"{method} {path}: not in docs/openapi.yaml"
        content = operation.spec.get("requestBody", {}).get("content", {})
        if content:
            self.validate(content["application/json"]["schema"], body, f"body of {method} {path}")
        else:
            assert not body, f"{method} {path} takes no body"

    def resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """The node itself, or what its $ref leads to."""
        while "$ref" in node:
            target: Any = self.document
            for part in str(node["$ref"]).removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def validate(self, schema: Mapping[str, Any], value: Any, what: str) -> None:
        """A value against a schema of the document.

        Raises:
            AssertionError: with every place that differs.
        """
        validator = Draft202012Validator(
            {**schema, "components": self.document["components"]},
            format_checker=FormatChecker(),
        )
        errors = [
            f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(value)
        ]
        assert not errors, f"{what}: " + "; ".join(errors)
