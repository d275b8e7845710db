"""Where a store may lie: on a disk of this machine."""

from __future__ import annotations

from pathlib import Path

from edocx.errors import Text, UsageError

MOUNTS = Path("/proc/self/mounts")

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs"}
)
"""SQLite's locks and shared memory do not hold over these: two machines would corrupt the file."""


def require_local(path: Path) -> None:
    """Raise `UsageError` when a path lies on a network file system (as far as the system tells)."""
    kind = file_system(path.absolute(), _mounts())
    if kind in NETWORK_FILE_SYSTEMS:
        raise UsageError(
            Text(
                f"Kho dữ liệu nằm trên hệ thống tệp mạng ({kind}); khóa tệp ở đó không tin cậy được.",
                f"The store lies on a network file system ({kind}), where file locks cannot be trusted.",
            ),
            hint=Text("Đặt kho dữ liệu trên ổ đĩa của chính máy này.", "Put the store on a disk of this machine."),
            code="EDX-STORE-NETWORK",
            where=str(path),
        )


def file_system(path: Path, mounts: str) -> str | None:
    """Return the kind of file system that holds a path, by the text of ``/proc/self/mounts``; None if unknown."""
    best, kind = -1, None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:  # noqa: PLR2004 - device, place, kind
            continue
        place = Path(fields[1].replace("\\040", " "))
        if path.is_relative_to(place) and len(place.parts) > best:
            best, kind = len(place.parts), fields[2]
    return kind


def _mounts() -> str:
    try:
        return MOUNTS.read_text(errors="replace")
    except OSError:
        # Not Linux: nobody to ask, and nothing to refuse.
        return ""
