"""Small inventories of each form, as their tools write them: what the fuzzer begins with."""

import json

CSV = (
    b"sep=;\nhost;name;client;package;ecosystem;version;digest;disabled;redirects;seen_at\n"
    b'"laptop-7";files;cursor;@acme/files-mcp;npm;1.4.2;;no;NODE_OPTIONS PATH;2026-11-20T10:00:00Z\n'
)
_HOST = {"hostIdentifier": "C02XK", "unixTime": 1795608000, "epoch": 0, "decorations": {"hostname": "laptop-7"}}
_ROWS = [
    {"name": "files-mcp", "version": "1.4.2", "path": "/usr/lib/node_modules/files-mcp"},
    {"name": "mcp-server-git", "version": "1.0", "path": "/usr/lib/python3/site-packages", "summary": ""},
    {"name": "/notes", "image": "ghcr.io/acme/notes-mcp:3", "command": "sh -c 'npx -y files-mcp'", "state": "exited"},
    {"cmdline": "node /usr/bin/npx -y files-mcp@^1 --token x", "pid": "5"},
]
SNAPSHOT = json.dumps({**_HOST, "name": "mcp", "action": "snapshot", "snapshot": _ROWS}).encode()
CHANGES = b"\n".join(
    json.dumps(line).encode()
    for line in (
        {**_HOST, "name": "mcp", "action": "added", "columns": _ROWS[0], "counter": 0},
        {**_HOST, "name": "mcp", "action": "removed", "columns": _ROWS[0], "counter": 1},
        {**_HOST, "name": "mcp", "diffResults": {"added": _ROWS[1:], "removed": ""}, "counter": "2"},
    )
)
PODS = json.dumps(
    {
        "kind": "List",
        "items": [
            {
                "metadata": {
                    "name": "files-7d9f-x2x4z",
                    "namespace": "tools",
                    "labels": {"pod-template-hash": "7d9f", "app": "mcp"},
                    "annotations": {"mcp": ""},
                    "ownerReferences": [{"kind": "ReplicaSet", "name": "files-7d9f", "controller": True}],
                },
                "spec": {
                    "containers": [
                        {"name": "a", "image": "x/mcp:1", "env": [{"name": "NODE_OPTIONS", "value": "x"}]},
                        {"name": "b", "image": "node:22", "command": ["npx"], "args": ["-y", "files-mcp@1.4.2"]},
                    ],
                    "initContainers": [{"name": "c", "image": "busybox"}],
                },
                "status": {
                    "phase": "Running",
                    "containerStatuses": [{"name": "a", "imageID": "x/mcp@sha256:" + "a" * 64}],
                },
            }
        ],
    }
).encode()
SBOM = json.dumps(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": {"type": "device", "name": "laptop-7"}},
        "components": [
            {
                "type": "library",
                "name": "files-mcp",
                "purl": "pkg:npm/files-mcp@1.4.2",
                "hashes": [{"alg": "SHA-512", "content": "a" * 128}],
            }
        ],
    }
).encode()

REPORT = b"""{"schema": "mcp-inventory/1", "host": "laptop-7", "collected_at": "2026-11-30T12:00:00Z", "deployments": 1, "policies": [
{"client": "codex", "location": "/etc/codex/requirements.toml", "sha256": "", "exported_at": "2026-11-30T12:00:00Z"}]}
{"host": "laptop-7", "client": "cursor", "name": "files", "kind": "none", "purl": "pkg:npm/%40acme/files-mcp", "requested": "^1",
"installed": "pkg:npm/%40acme/files-mcp@1.4.2", "redirects": ["NPM_CONFIG_REGISTRY"]}
""".replace(b"[\n", b"[").replace(b",\n", b",")

ALL = (CSV, SNAPSHOT, CHANGES, PODS, SBOM, REPORT)
