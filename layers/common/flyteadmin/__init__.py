"""FlyteAdmin's execution management: one package per Flyte noun; imports point downwards only."""

__version__ = "0.1.0"
