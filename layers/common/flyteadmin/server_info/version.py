"""The version and build of this control plane."""

from flyteidl.admin.version_pb2 import GetVersionRequest, GetVersionResponse, Version

from flyteadmin import __version__
from flyteadmin.settings import environment


def get_version(_request: GetVersionRequest) -> GetVersionResponse:
    """GetVersion: this package's version, and the build that the deployment names (GET-23)."""
    deployed = environment()
    version = Version(Version=f"v{__version__}", Build=deployed.build, BuildTime=deployed.build_time)
    return GetVersionResponse(control_plane_version=version)
