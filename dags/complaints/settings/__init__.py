"""The settings: the YAML files of `config/`, read, validated and typed.

- `pipeline`: `pipeline_config.yaml`, with its sections `limits`, `machines` (SageMaker), `security`, `ingestion` and
  `prices`
- `model`: `model_config.yaml`, with its sections `tuning` and `monitoring`
- `loading`: reading both, with the values of the environment
- `parameters`: the JSON Schemas of the DAGs' parameters
"""

from complaints.settings.ingestion import Ingestion
from complaints.settings.limits import Limits
from complaints.settings.loading import CONFIG, Settings, SettingsError, load_pipeline, load_settings
from complaints.settings.machines import Instances
from complaints.settings.model import Gate, Hyperparameters, LabelRule, ModelSettings
from complaints.settings.monitoring import Monitoring
from complaints.settings.pipeline import Glue, Orchestration, PipelineSettings, Storage
from complaints.settings.prices import Prices
from complaints.settings.tuning import Range, Tuning

__all__ = [
    "CONFIG",
    "Gate",
    "Glue",
    "Hyperparameters",
    "Ingestion",
    "Instances",
    "LabelRule",
    "Limits",
    "ModelSettings",
    "Monitoring",
    "Orchestration",
    "PipelineSettings",
    "Prices",
    "Range",
    "Settings",
    "SettingsError",
    "Storage",
    "Tuning",
    "load_pipeline",
    "load_settings",
]
