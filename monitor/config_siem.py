"""Where findings and decisions are handed on as events: [[siem]]."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from monitor.config_section import Section
from monitor.option_types import Address, Flag, Location, Name, Place, Variable, expected


class SiemFile(Section):
    """A file of JSON lines for a forwarder."""

    kind: Literal["json-lines"]
    name: Name = "file"
    path: Place


class SiemSyslog(Section):
    """A syslog receiver (RFC 5424) over TCP or TLS."""

    kind: Literal["syslog"]
    name: Name = "syslog"
    host: Name
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] = 6514
    tls: Flag = True
    ca: Location = None


class SiemHttp(Section):
    """A collector that takes one event a request, such as Splunk's."""

    kind: Literal["http-collector"]
    name: Name = "http"
    url: Address
    format: Literal["json", "splunk-hec"] = "json"
    token_env: Variable = ""
    token_file: Location = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.format == "splunk-hec" and not (self.token_env or self.token_file):
            raise expected("`token_env` or `token_file` for splunk-hec")
        return self


AnySiem = SiemFile | SiemSyslog | SiemHttp
SIEM_KINDS: Mapping[str, type[Section]] = {"json-lines": SiemFile, "syslog": SiemSyslog, "http-collector": SiemHttp}
"""Of [[siem]]."""
Siem = Annotated[AnySiem, Field(discriminator="kind")]


class Audit(Section):
    """How the audit log is proven from outside."""

    signing_key_file: Location = None
    checkpoints: Location = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.signing_key_file is None) != (self.checkpoints is None):
            raise expected(
                "`signing_key_file` and `checkpoints` together: a checkpoint proves nothing without a signature"
            )
        return self
