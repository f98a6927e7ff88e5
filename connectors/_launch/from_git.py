"""Installations from git: which repository, and how firmly."""

import re

from connectors._launch.launch import VARIABLE, Launch, unknown
from monitor.domain.address import endpoint, without_credentials
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest

GIT_URL = re.compile(
    r"(?P<scheme>(git\+)?(https?|ssh|git)://)(?P<far>[^#\s]*?)(?P<ref>(?<!/)@[^/@#\s]+|)(#\S*)?", re.IGNORECASE
)
GITHUB = re.compile(
    r"(?:git\+)?(?:github:|(?:https?|git|ssh)://(?:[^/@\s]*@)?github\.com/|(?:ssh://)?git@github\.com[:/])?"
    r"(?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/?(?:[@#](?P<ref>[^#\s]+))?",
    re.IGNORECASE,
)
COMMIT = re.compile(r"[0-9a-fA-F]{40}")


def git(source: str) -> Launch:
    """An installation from git. Only a full commit id is firm; for GitHub the repository is the package, its ref the version."""
    shown = _git_shown(source)
    read = GITHUB.fullmatch(re.sub(r"#(subdirectory|egg)=.*", "", source.strip()))
    if not read or VARIABLE.search(source):
        return unknown("installs from git", shown)
    try:
        package, ref = Purl.github(read["repository"]), read["ref"]
        digest = Digest("gitCommit", ref) if ref and COMMIT.fullmatch(ref) else None
        kind = PinKind.DIGEST if digest else PinKind.TAG if ref else PinKind.NONE
        return Launch(kind, package.at(ref), digest=digest, requested=shown, note="installs from git")
    except ValueError as error:
        return unknown(f"installs from git: {error}", shown)


def _git_shown(source: str) -> str:
    """Return a source without what may be a secret; of a host other than GitHub also in its path."""
    read = GIT_URL.fullmatch(source.strip())
    if GITHUB.fullmatch(source.strip()) or not read:
        return without_credentials(source)
    far = endpoint(f"https://{read['far']}")
    return f"{read['scheme']}{far.removeprefix('https://')}{without_credentials(read['ref'])}" if far else ""
