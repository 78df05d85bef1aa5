"""Answers that are a no: a status for programs, a sentence for the person who pressed "start". Pure."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping

from attrs import frozen


class Why(enum.Enum):
    """The values are stable: counted, shown to the page, tested."""

    # of an offer
    NOT_SDP = "not_sdp"
    NOTHING = "nothing"
    DIRECTION = "direction"
    TOO_MANY = "too_many"
    DATA = "data"
    NO_H264 = "no_h264"
    NO_OPUS = "no_opus"
    NOT_BUNDLED = "not_bundled"
    NO_MUX = "no_mux"
    SSRC_TWICE = "ssrc_twice"
    NO_ICE = "no_ice"
    ICE_LITE = "ice_lite"
    NO_DTLS = "no_dtls"
    SETUP = "setup"
    CANNOT_PLAY = "cannot_play"
    # of a fragment
    FRAGMENT = "fragment"
    NO_CONDITION = "no_condition"
    OTHER_ICE = "other_ice"
    # of a request
    MEDIA_TYPE = "media_type"
    TOO_LARGE = "too_large"
    UNAUTHORIZED = "unauthorized"
    NO_SESSION = "no_session"
    TAKEN = "taken"
    NOT_ON_AIR = "not_on_air"
    FULL = "full"
    LIMITED = "limited"
    DRAINING = "draining"


@frozen
class _Answer:
    status: int
    ru: str
    en: str


#: RFC 9725: 400 what cannot be read, 422 what can be read and not be served (4.4), 412 and 428 of PATCH (4.3.1).
_ANSWERS: Mapping[Why, _Answer] = {
    Why.NOT_SDP: _Answer(
        400,
        "Программа прислала описание трансляции, которое не удалось прочитать.",
        "The program sent a description of the broadcast that cannot be read.",
    ),
    Why.NOTHING: _Answer(
        422,
        "В трансляции нет ни звука, ни изображения. Включите камеру, экран или микрофон.",
        "The broadcast has neither sound nor picture. Switch on a camera, a screen or a microphone.",
    ),
    Why.DIRECTION: _Answer(
        422,
        "Программа хочет смотреть, а этот адрес — чтобы вести трансляцию.",
        "The program wants to watch, and this address is for broadcasting.",
    ),
    Why.TOO_MANY: _Answer(
        422,
        "В трансляции может быть одно изображение и один звук. Соедините источники в одной сцене.",
        "A broadcast has one picture and one sound. Put the sources together into one scene.",
    ),
    Why.DATA: _Answer(
        422,
        "Программа просит канал данных; в трансляции бывают только звук и изображение.",
        "The program asks for a data channel; a broadcast has sound and picture only.",
    ),
    Why.NO_H264: _Answer(
        422,
        "Программа не предлагает видео H.264 (профиль Constrained Baseline). Выберите кодировщик "
        "H.264 и профиль baseline, выключите B-кадры.",
        "The program offers no H.264 video (constrained baseline profile). Choose the H.264 encoder "
        "and the baseline profile, switch B-frames off.",
    ),
    Why.NO_OPUS: _Answer(
        422,
        "Программа не предлагает звук Opus. Выберите Opus как кодек звука.",
        "The program offers no Opus sound. Choose Opus as the audio codec.",
    ),
    Why.NOT_BUNDLED: _Answer(
        422,
        "Программа хочет слать звук и изображение по отдельности (нужен BUNDLE).",
        "The program wants to send sound and picture apart (BUNDLE is needed).",
    ),
    Why.NO_MUX: _Answer(
        422,
        "Программа хочет слать RTCP отдельно (нужен rtcp-mux).",
        "The program wants to send RTCP apart (rtcp-mux is needed).",
    ),
    Why.SSRC_TWICE: _Answer(
        422,
        "Программа дала звуку и изображению один и тот же номер потока (SSRC).",
        "The program gave sound and picture the same stream number (SSRC).",
    ),
    Why.NO_ICE: _Answer(
        422,
        "В описании нет имени и пароля для соединения (ICE).",
        "The description has no name and password for the connection (ICE).",
    ),
    Why.ICE_LITE: _Answer(
        422,
        "Программа ждёт, что соединение начнёт сервер (ICE-lite), а его начинает программа.",
        "The program waits for the server to connect (ICE-lite), but it is the program that connects.",
    ),
    Why.NO_DTLS: _Answer(
        422,
        "Программа не предлагает шифрование (DTLS-SRTP с отпечатком SHA-256).",
        "The program offers no encryption (DTLS-SRTP with a fingerprint of SHA-256).",
    ),
    Why.SETUP: _Answer(
        422,
        "Программа ждёт, что шифрование начнёт сервер (setup:passive), а его начинает программа.",
        "The program waits for the server to begin encryption (setup:passive); it has to begin itself.",
    ),
    Why.CANNOT_PLAY: _Answer(
        422,
        "Этот браузер не может показать трансляцию без задержки. Откройте обычный просмотр.",
        "This browser cannot show the broadcast without delay. Open the ordinary page.",
    ),
    Why.FRAGMENT: _Answer(
        400,
        "Программа прислала адреса соединения, которые не удалось прочитать.",
        "The program sent addresses of the connection that cannot be read.",
    ),
    Why.NO_CONDITION: _Answer(
        428,
        "В запросе нет заголовка If-Match.",
        "The request has no If-Match header.",
    ),
    Why.OTHER_ICE: _Answer(
        412,
        "Запрос относится к соединению, которого уже нет.",
        "The request is about a connection that is no more.",
    ),
    Why.MEDIA_TYPE: _Answer(
        415,
        "Запрос не того вида, который здесь принимается.",
        "The request is of a kind that is not taken here.",
    ),
    Why.TOO_LARGE: _Answer(413, "Запрос слишком длинный.", "The request is too long."),
    Why.UNAUTHORIZED: _Answer(
        401,
        "Ключ трансляции не подходит или уже не действует. Скопируйте адрес и ключ ещё раз со "
        "страницы трансляции.",
        "The key of the broadcast does not fit, or no longer. Copy address and key again from the "
        "broadcast's page.",
    ),
    Why.NO_SESSION: _Answer(
        404, "Эта трансляция уже закончилась.", "This broadcast has already ended."
    ),
    Why.TAKEN: _Answer(
        409,
        "Трансляцию уже ведут с двух устройств: с основного и запасного. Остановите одно из них.",
        "Two devices are broadcasting already, the main one and a spare. Stop one of them.",
    ),
    Why.NOT_ON_AIR: _Answer(
        409,
        "Трансляция ещё не началась или прервалась.",
        "The broadcast has not begun, or is interrupted.",
    ),
    Why.FULL: _Answer(
        503,
        "Мест для просмотра без задержки больше нет. Откройте обычный просмотр.",
        "No places are left for watching without delay. Open the ordinary page.",
    ),
    Why.LIMITED: _Answer(
        429,
        "Слишком много запросов. Подождите немного.",
        "Too many requests. Wait a little.",
    ),
    Why.DRAINING: _Answer(
        503,
        "Сервер трансляций перезапускается. Попробуйте через несколько секунд.",
        "The broadcast server is restarting. Try again in a few seconds.",
    ),
}


@frozen
class Refused:
    """One no.

    Attributes:
        line: of the description, for NOT_SDP and FRAGMENT; 0: the whole. Nothing of its text is repeated.
        retry_after_s: 0 where trying again does not help by itself.
    """

    why: Why
    line: int = 0
    retry_after_s: float = 0.0

    @property
    def status(self) -> int:
        return _ANSWERS[self.why].status

    @property
    def wait_s(self) -> int:
        """For Retry-After: whole seconds."""
        return math.ceil(self.retry_after_s)

    def body(self, accept_language: str) -> dict[str, object]:
        """A problem (RFC 9457) in the reader's language."""
        answer = _ANSWERS[self.why]
        language = language_of(accept_language)
        body: dict[str, object] = {
            "status": answer.status,
            "title": answer.ru if language == "ru" else answer.en,
            "why": self.why.value,
        }
        return body | {"line": self.line} if self.line else body


def language_of(accept_language: str) -> str:
    """The first of ours that is named; Russian for who names none: OBS says nothing of its user's language."""
    for part in accept_language[:200].split(","):
        word = part.strip()[:2].lower()
        if word in {"ru", "en"}:
            return word
    return "ru"
