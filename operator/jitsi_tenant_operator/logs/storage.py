"""Every change that is made to the volumes, behind one small Protocol.

A program that is killed, a full disk and a power failure are told apart by nobody: what counts is
which of these operations took place. So there are few of them, each with what makes it last, and
tests let every one of them fail.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

_FILE_MODE = 0o640
_FOLDER_MODE = 0o750


class NotARegularFileError(OSError):
    """A link, folder, pipe or device is where a file of logs should be."""


class BusyError(Exception):
    """Another program holds the lock."""


class Sink(Protocol):
    """A new file while it is written."""

    def write(self, data: bytes) -> None:
        """Add all of `data`; OSError when it cannot be."""

    def finish(self) -> None:
        """Have what was written reach the disk, and close; OSError when it did not."""

    def abandon(self) -> None:
        """Close without a promise; never raises."""


class Storage(Protocol):
    """What may change the volumes. All of it raises OSError."""

    def make_folders(self, path: Path, below: Path) -> None:
        """Make a folder and those on the way to it from `below`, which is there."""

    def create(self, path: Path) -> Sink:
        """Begin a file anew, whatever was there."""

    def append(self, path: Path, data: bytes) -> None:
        """Add to a file, made if need be; on return it has reached the disk."""

    def cut(self, path: Path, size: int) -> None:
        """Shorten a file to `size` bytes."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, in place of any file of that name."""

    def remove(self, path: Path) -> None:
        """Remove a file; nothing when it is gone."""


class LocalStorage:
    """A mounted volume."""

    def make_folders(self, path: Path, below: Path) -> None:
        """Make a folder and those on the way to it from `below`, which is there."""
        for part in path.relative_to(below).parts:
            below /= part
            try:
                below.mkdir(mode=_FOLDER_MODE)
            except FileExistsError:
                if not is_folder(below):
                    raise NotARegularFileError(f"{below.name} is no folder") from None
            else:
                _sync_folder(below.parent)

    def create(self, path: Path) -> Sink:
        """Begin a file anew, whatever was there."""
        # What was there is not written through: it may be a link.
        path.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return _LocalSink(os.open(path, flags, _FILE_MODE))

    def append(self, path: Path, data: bytes) -> None:
        """Add to a file, made if need be; on return it has reached the disk."""
        new = not path.exists()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        sink = _LocalSink(os.open(path, flags, _FILE_MODE))
        try:
            sink.write(data)
        except BaseException:
            sink.abandon()
            raise
        sink.finish()
        if new:
            _sync_folder(path.parent)

    def cut(self, path: Path, size: int) -> None:
        """Shorten a file to `size` bytes."""
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, in place of any file of that name."""
        old.replace(new)
        _sync_folder(new.parent)

    def remove(self, path: Path) -> None:
        """Remove a file; nothing when it is gone."""
        path.unlink(missing_ok=True)
        _sync_folder(path.parent)


class _LocalSink:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def finish(self) -> None:
        try:
            os.fsync(self._descriptor)
            # Reading it back is to say what is on the disk, not what is in memory.
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(self._descriptor)

    def abandon(self) -> None:
        os.close(self._descriptor)


def open_regular(path: Path) -> BinaryIO:
    """A file for reading; NotARegularFileError when something else has its name.

    Neither a link at its end is followed nor a pipe waited for. The caller closes it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotARegularFileError(f"{path.name} is no regular file")
    return os.fdopen(descriptor, "rb", buffering=0)


def is_folder(path: Path) -> bool:
    """Whether a folder is there, and not a link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def names_in(folder: Path) -> tuple[list[str], list[str]]:
    """The names of files and of folders in `folder`, sorted; links and all else are files.

    None of either when it is not there. OSError when it cannot be read.
    """
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                is_dir = entry.is_dir(follow_symlinks=False)
                (folders if is_dir else files).append(entry.name)
    except FileNotFoundError:
        return [], []
    return sorted(files), sorted(folders)


def files_below(folder: Path) -> Iterator[str]:
    """The paths of all files in `folder` and its folders, with slashes. OSError."""
    left = [""]
    while left:
        prefix = left.pop()
        files, folders = names_in(folder / prefix)
        yield from (f"{prefix}{name}" for name in files)
        left += [f"{prefix}{name}/" for name in reversed(folders)]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock in a file, made if need be; BusyError when another program holds it.

    The kernel gives it back when the program ends, however it ends.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, _FILE_MODE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError from None
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a program holds the lock in a file at this instant."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
