"""Moorage: a container-registry appliance for vSphere."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("moorage")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"
