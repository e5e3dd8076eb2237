"""Places where a test can kill the process, before and after every step that must survive it.

Costs one comparison when nothing is set. `POINTS` is the list the crash tests walk.
"""

import os
import signal
from itertools import count

POINTS: tuple[str, ...] = (
    # POST that opens an upload
    "upload.start.before",
    "upload.start.committed",
    # PATCH
    "upload.append.before",
    "upload.append.settled",
    "upload.append.placed",
    "upload.append.committed",
    # PUT that closes an upload, and POST with the whole blob
    "upload.finish.before",
    "upload.finish.assembled",
    "upload.finish.settled",
    "upload.finish.named",
    "upload.finish.placed",
    "upload.finish.written",
    "upload.finish.committed",
    "upload.finish.cleared",
    # POST with mount
    "upload.mount.before",
    "upload.mount.committed",
    # DELETE of an upload
    "upload.cancel.before",
    "upload.cancel.committed",
    "upload.cancel.cleared",
    # manifests
    "manifest.put.before",
    "manifest.put.stored",
    "manifest.put.written",
    "manifest.put.committed",
    "manifest.delete.before",
    "manifest.delete.written",
    "manifest.delete.committed",
    # tags
    "tag.put.before",
    "tag.put.written",
    "tag.put.committed",
    "tag.delete.before",
    "tag.delete.written",
    "tag.delete.committed",
    # blobs and repositories
    "delete.blob.before",
    "delete.blob.written",
    "delete.blob.committed",
    "delete.repository.before",
    "delete.repository.written",
    "delete.repository.committed",
    "delete.repository.cleared",
    # projects
    "project.rename.before",
    "project.rename.written",
    "project.rename.committed",
    # garbage collection
    "gc.manifests.before",
    "gc.manifests.written",
    "gc.manifests.committed",
    "gc.blobs.before",
    "gc.blobs.locked",
    "gc.blobs.written",
    "gc.blobs.committed",
    "gc.blobs.cleared",
    "gc.candidates.written",
    "gc.candidates.committed",
    "gc.trash.before",
    "gc.trash.emptied",
)

_AT = os.environ.get("MOORAGE_CRASH_AT", "")
_SKIP = int(os.environ.get("MOORAGE_CRASH_SKIP", "0"))
_passes = count()


def reach(point: str) -> None:
    """Die here by SIGKILL when the environment names this point (after the passes to skip)."""
    if _AT and point == _AT and next(_passes) >= _SKIP:
        os.kill(os.getpid(), signal.SIGKILL)
