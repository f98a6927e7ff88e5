"""Config -> where decisions are written, and where proposed ones are decided."""

from collections.abc import Mapping

from connectors import github_pull_request, registry_file
from connectors._edge.http import Http
from monitor.ports.channels import Proposals, RegistryWriter
from monitor.settings import Settings


def writers(settings: Settings, edge: Http) -> tuple[Mapping[str, RegistryWriter], Proposals | None]:
    """Open the writers by name, and what reads proposals; None: nothing is proposed."""
    config = settings.config
    built: dict[str, RegistryWriter] = {}
    proposals: Proposals | None = None
    for name in config.reviews.writers:
        if name == registry_file.NAME:
            kind = config.registry.kind
            built[name] = registry_file.writer(config.registry.path, foreign="" if kind == "yaml" else kind)
        else:
            given = config.reviews.repository
            token = settings.secret("reviews.repository.token")
            built[name] = proposals = github_pull_request.build(
                edge, api=given.api, token=token, repository=given.name, path=given.path, branch=given.branch
            )
    return built, proposals
