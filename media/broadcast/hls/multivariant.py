"""The playlist of all qualities (RFC 8216bis 4.4.6). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import field, frozen
from attrs.validators import ge, le

from media.broadcast.hls.names import CAPTIONS
from media.broadcast.hls.values import is_name

#: AAC-LC, as the packager makes it.
AAC = "mp4a.40.2"

_H264 = re.compile(r"avc1\.[0-9a-f]{6}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")


@frozen(kw_only=True)
class Picture:
    """What a rendition with a picture is.

    Attributes:
        codec: of its SPS, `avc1.42e01f`.
        frames_per_s: the most; 0: not known, WebRTC's varies.
    """

    codec: str
    width: int = field(validator=[ge(16), le(8192)])
    height: int = field(validator=[ge(16), le(8192)])
    frames_per_s: int = field(default=0, validator=[ge(0), le(240)])

    def __attrs_post_init__(self) -> None:
        if _H264.fullmatch(self.codec) is None:
            raise ValueError("codec is not one of H.264")


@frozen(kw_only=True)
class Variant:
    """One quality; sound is in each, alone where there is no picture.

    Attributes:
        bandwidth_bps: the most that any segment needs; what is written must not be exceeded.
        average_bps: 0: not known.
    """

    rendition: str
    bandwidth_bps: int = field(validator=[ge(1), le(100_000_000)])
    average_bps: int = field(default=0, validator=ge(0))
    picture: Picture | None = None

    def __attrs_post_init__(self) -> None:
        if not is_name(self.rendition) or self.rendition == CAPTIONS:
            raise ValueError("a rendition's name is 1 to 16 of a-z, 0-9")
        if self.average_bps > self.bandwidth_bps:
            raise ValueError("average_bps is more than bandwidth_bps")


@frozen
class Captions:
    """Text that a person types.

    Attributes:
        name: shown in players' menus.
    """

    language: str = "ru"
    name: str = "Субтитры"

    def __attrs_post_init__(self) -> None:
        if _LANGUAGE.fullmatch(self.language) is None:
            raise ValueError("language is not a tag of BCP 47")
        if not self.name or len(self.name) > 64 or not self.name.isprintable() or '"' in self.name:
            raise ValueError("name is empty, long or has signs that a playlist cannot say")


def multivariant(
    variants: Sequence[Variant],
    captions: Captions | None = None,
    *,
    independent: bool = False,
    back_s: int = 0,
) -> str:
    """Best picture first, sound alone last: players that do not measure begin with the first.

    Args:
        independent: every segment of all of them begins with a key frame.
        back_s: the rewind playlists, so many seconds before their end; 0: the live ones.
    """
    playlist = "rewind.m3u8" if back_s else "live.m3u8"
    lines = ["#EXTM3U", "#EXT-X-VERSION:9"]
    if independent:
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    if back_s:
        lines.append(f"#EXT-X-START:TIME-OFFSET=-{back_s}")
    if captions is not None:
        lines.append(
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="{CAPTIONS}",NAME="{captions.name}",LANGUAGE="{captions.language}",'
            f'AUTOSELECT=YES,DEFAULT=NO,FORCED=NO,URI="{CAPTIONS}/{playlist}"'
        )
    for one in sorted(variants, key=_rank):
        lines += [_stream(one, captions is not None), f"{one.rendition}/{playlist}"]
    return "\n".join(lines) + "\n"


def _rank(variant: Variant) -> tuple[bool, int]:
    return variant.picture is None, -variant.bandwidth_bps


def _stream(variant: Variant, captioned: bool) -> str:
    attributes = [f"BANDWIDTH={variant.bandwidth_bps}"]
    if variant.average_bps:
        attributes.append(f"AVERAGE-BANDWIDTH={variant.average_bps}")
    picture = variant.picture
    if picture is None:
        attributes.append(f'CODECS="{AAC}"')
    else:
        attributes += [
            f'CODECS="{picture.codec},{AAC}"',
            f"RESOLUTION={picture.width}x{picture.height}",
        ]
        if picture.frames_per_s:
            attributes.append(f"FRAME-RATE={picture.frames_per_s}.000")
    if captioned:
        attributes.append(f'SUBTITLES="{CAPTIONS}"')
    return "#EXT-X-STREAM-INF:" + ",".join(attributes)
