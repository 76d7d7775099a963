"""The settings: the two YAML files of `config/`, read, validated and typed.

Reading them is the only thing that happens at DAG parse.
"""

from complaints.settings.sections import (
    CONFIG,
    Glue,
    Hyperparameters,
    LabelRule,
    ModelSettings,
    Orchestration,
    PipelineSettings,
    Settings,
    SettingsError,
    Storage,
    load_settings,
)

__all__ = [
    "CONFIG",
    "Glue",
    "Hyperparameters",
    "LabelRule",
    "ModelSettings",
    "Orchestration",
    "PipelineSettings",
    "Settings",
    "SettingsError",
    "Storage",
    "load_settings",
]
