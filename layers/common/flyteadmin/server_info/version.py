"""The version of this control plane."""

from flyteidl.admin.version_pb2 import GetVersionResponse, Version

from flyteadmin import __version__
from flyteadmin.settings import environment


def get_version() -> GetVersionResponse:
    """GetVersion: this package's version, and the build that the deployment names (GET-23)."""
    here = environment()
    version = Version(Version=f"v{__version__}", Build=here.build, BuildTime=here.build_time)
    return GetVersionResponse(control_plane_version=version)
