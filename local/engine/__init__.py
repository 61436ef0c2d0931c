"""The stand-in engine, for development only: it reports what flytepropeller would, without running user code."""
