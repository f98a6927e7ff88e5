"""What all sections of the configuration share."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """What all sections share: unknown options are errors, defaults are checked like anything else, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _sections_may_be_left_out(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        kinds = {name: field.annotation for name, field in cls.model_fields.items()}
        return {name: {} for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Section)} | {
            **given
        }
