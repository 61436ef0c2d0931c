"""FlyteAdmin's execution management: one package per Flyte noun; imports point downwards only."""
