"""What hosts are told while a broadcast runs. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class Notice(enum.Enum):
    """A fact about a running broadcast. The values are stable: counted, shown, tested."""

    PICTURE_AWAY = "picture_away"  # nothing comes of the picture on air: viewers see a still one
    PICTURE_BACK = "picture_back"
    SOUND_AWAY = "sound_away"  # no voice has come for a while: viewers hear silence
    SOUND_BACK = "sound_back"
    B_FRAMES = "b_frames"  # a setting of the encoder is wrong: these pictures are left out
    NOT_UNDERSTOOD = "not_understood"  # pictures come that no decoder of ours knows
    TOO_SLOW = "too_slow"  # this machine does not keep up: something was left out
    DISK_FULL = "disk_full"  # or it fails; it goes on without a recording
    NOT_PUBLISHED = "not_published"  # the origin did not take a part


#: Russian, English: one sentence for the host's page.
SENTENCES: Mapping[Notice, tuple[str, str]] = {
    Notice.PICTURE_AWAY: (
        "Изображение не приходит. Зрители видят тёмный экран, трансляция продолжается.",
        "No picture arrives. Viewers see a dark screen; the broadcast goes on.",
    ),
    Notice.PICTURE_BACK: ("Изображение снова есть.", "The picture is back."),
    Notice.SOUND_AWAY: (
        "Звук не приходит. Проверьте, включён ли микрофон.",
        "No sound arrives. Check that the microphone is on.",
    ),
    Notice.SOUND_BACK: ("Звук снова есть.", "The sound is back."),
    Notice.B_FRAMES: (
        "В программе вещания включены B-кадры, поэтому часть кадров не видна. Поставьте «B-кадры: 0».",
        "B-frames are switched on in the encoder, so some pictures are left out. Set “B-frames: 0”.",
    ),
    Notice.NOT_UNDERSTOOD: (
        "Изображение приходит в виде, который показать нельзя. Выберите в программе вещания H.264.",
        "The picture comes in a form that cannot be shown. Choose H.264 in the encoder.",
    ),
    Notice.TOO_SLOW: (
        "Сервер не успевает: часть звука или изображения пропущена.",
        "The server does not keep up: some sound or pictures were left out.",
    ),
    Notice.DISK_FULL: (
        "Сервер не может записывать: на диске нет места, или диск не успевает. Трансляция продолжается без записи.",
        "The server cannot record: its disk is full or too slow. The broadcast goes on without a recording.",
    ),
    Notice.NOT_PUBLISHED: (
        "Часть трансляции не удалось показать зрителям.",
        "A piece of the broadcast could not be shown to viewers.",
    ),
}
