"""Checks events against the table of OCSF's classes that lies beside the corpus: what is required, of which type, with which values."""

import gzip
import json
from collections.abc import Iterator
from functools import cache

from tests import corpus

INTEGERS = frozenset({"integer_t", "long_t", "timestamp_t", "port_t"})
TEXTS = frozenset(
    {"string_t", "email_t", "hostname_t", "url_t", "username_t", "uuid_t", "file_name_t", "process_name_t"}
)
KINDS = {"integer_t": int, "long_t": int, "timestamp_t": int, "boolean_t": bool, "float_t": float}


@cache
def table() -> dict[str, dict[str, dict[str, object]]]:
    """Load the table; skips the test where it is not there."""
    return json.loads(gzip.decompress(corpus.contract("ocsf-classes.json.gz").read_bytes()))  # type: ignore[no-any-return]  # the file's own shape


def complaints(event: dict[str, object]) -> list[str]:
    """Return everything that is wrong with an event; empty: nothing."""
    uid = event["class_uid"]
    schema = next((each for each in table()["classes"].values() if each["class_uid"] == uid), None)
    if schema is None:
        return [f"no class {uid}"]
    found = list(_against(event, schema, "event"))
    if event["type_uid"] != uid * 100 + event["activity_id"]:  # type: ignore[operator]  # numbers, or the types are wrong
        found.append("type_uid is not class_uid * 100 + activity_id")
    return found


def _against(value: dict[str, object], schema: dict[str, object], where: str) -> Iterator[str]:
    attributes: dict[str, dict[str, object]] = schema["attributes"]  # type: ignore[assignment]  # as above
    for name, rules in attributes.items():
        if rules["req"] == "required" and name not in value:
            yield f"{where}.{name} is required"
    for name, each in value.items():
        if name not in attributes:
            yield f"{where}.{name} is no attribute"
            continue
        rules = attributes[name]
        if rules.get("deprecated"):
            yield f"{where}.{name} is deprecated"
        if rules.get("array"):
            if not isinstance(each, list):
                yield f"{where}.{name} is no list"
                continue
            for at, one in enumerate(each):
                yield from _one(one, rules, f"{where}.{name}[{at}]")
        else:
            yield from _one(each, rules, f"{where}.{name}")
    yield from _constraints(value, schema.get("constraints") or {}, where)  # type: ignore[arg-type]  # as above


def _one(value: object, rules: dict[str, object], where: str) -> Iterator[str]:
    kind = str(rules["type"])
    if kind in table()["objects"]:
        if not isinstance(value, dict):
            yield f"{where} is no {kind}"
        else:
            yield from _against(value, table()["objects"][kind], where)
    elif (kind in INTEGERS and (isinstance(value, bool) or not isinstance(value, int))) or (
        kind in TEXTS and not isinstance(value, str)
    ):
        yield f"{where} is no {kind}"
    allowed = rules.get("enum")
    if (
        isinstance(allowed, dict)
        and kind in INTEGERS
        and "class_uid" not in where
        and "category_uid" not in where
        and str(value) not in allowed
    ):
        yield f"{where} is {value}, and must be one of {', '.join(allowed)}"


def _constraints(value: dict[str, object], constraints: dict[str, list[str]], where: str) -> Iterator[str]:
    if (one_of := constraints.get("at_least_one")) and not value.keys() & {*one_of}:
        yield f"{where} has none of {one_of}"
    if (just_one := constraints.get("just_one")) and len(value.keys() & {*just_one}) != 1:
        yield f"{where} has not exactly one of {just_one}"
