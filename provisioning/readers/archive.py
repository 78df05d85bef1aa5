"""Zip files from outside, opened within bounds. Pure: bytes in, bytes out, nothing on disk."""

from __future__ import annotations

import io
import zipfile
import zlib

from attrs import frozen

MAX_ENTRIES = 2_000
MAX_UNPACKED = 150_000_000  # bytes; OneRoster of 50,000 people is about 30 MB
MAX_RATIO = 150  # whole archive; CSV and XLSX of real schools pack 5–25 times
RATIO_FROM = 5_000_000  # bytes unpacked: below this a high ratio harms nobody


class DamagedArchive(ValueError):
    """Not a zip, cut off, encrypted or inconsistent."""


class ArchiveTooLarge(ValueError):
    """Would unpack to more than any honest export (a zip bomb)."""


@frozen
class Archive:
    """A checked zip. Sizes are those the entries declare; reading never yields more."""

    _zip: zipfile.ZipFile

    @classmethod
    def open(cls, content: bytes) -> Archive:
        """Check sizes before unpacking a byte.

        Raises:
            DamagedArchive, ArchiveTooLarge.
        """
        try:
            archive = zipfile.ZipFile(io.BytesIO(content))
            entries = archive.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as error:
            raise DamagedArchive(type(error).__name__) from None
        except (UnicodeDecodeError, EOFError, OSError) as error:
            raise DamagedArchive(type(error).__name__) from None
        unpacked = sum(entry.file_size for entry in entries)
        ratio = unpacked / max(1, len(content))
        if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED:
            raise ArchiveTooLarge(f"{len(entries)} entries, {unpacked} bytes")
        if unpacked > RATIO_FROM and ratio > MAX_RATIO:
            raise ArchiveTooLarge(f"packed {ratio:.0f} times")
        if any(entry.flag_bits & 0x1 for entry in entries):
            raise DamagedArchive("encrypted")
        return cls(archive)

    def names(self) -> list[str]:
        """Names of the files in it, in the archive's order."""
        return [e.filename for e in self._zip.infolist() if not e.is_dir()]

    def read(self, name: str) -> bytes:
        """One file.

        Raises:
            DamagedArchive: its checksum or packing is wrong.
        """
        return self.head(name, -1)

    def head(self, name: str, size: int) -> bytes:
        """The first `size` bytes of one file; all of it when negative.

        Raises:
            DamagedArchive: as `read`, as far as that is seen in the head.
        """
        try:
            with self._zip.open(name) as stream:
                return stream.read(size)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
            raise DamagedArchive(type(error).__name__) from None
        except (KeyError, RuntimeError, ValueError, OSError) as error:
            raise DamagedArchive(type(error).__name__) from None
