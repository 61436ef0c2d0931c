"""Section "layers": what a function carries unzipped, as `make build` made it."""

from pathlib import Path

from bench.report import Row, Section

BUILD = Path(__file__).parents[1] / ".aws-sam" / "build"
COMMON_BUDGET_MB, BOTH_BUDGET_MB = 100, 250
_LARGEST = 4


def report() -> Section:
    """Measure both layers, in MB of 10^6 bytes as Lambda counts its limit of 250."""
    common, cluster = size_mb("CommonLayer"), size_mb("ClusterLayer")
    rows = (
        Row("common layer, unzipped", common, COMMON_BUDGET_MB, "MB", _made_of("CommonLayer")),
        Row("common and cluster layer, unzipped", common + cluster, BOTH_BUDGET_MB, "MB", _made_of("ClusterLayer")),
    )
    return Section("Layers", rows)


def size_mb(layer: str) -> float:
    """Return the size of a built layer.

    Raises:
        FileNotFoundError: it is not built.
    """
    folder = BUILD / layer
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not there: run make build")
    return _bytes(folder) / 1e6


def _made_of(layer: str) -> str:
    sizes = sorted(((_bytes(path), path.name) for path in (BUILD / layer / "python").iterdir()), reverse=True)
    return ", ".join(f"{name} {size / 1e6:.0f}" for size, name in sizes[:_LARGEST])


def _bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
