"""Every text of these pages, Russian first. Pure. Keys that begin with `js_` are said by the player itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

LANGUAGES = ("ru", "en")

RU: Mapping[str, str] = {
    "other_language": "English",
    "skip": "К содержанию",
    "title": "Трансляция",
    "live": "Прямой эфир",
    "video": "Видео трансляции",
    "controls": "Управление видео",
    "no_script": "Без JavaScript видео открывается только в некоторых браузерах. "
    "Вопрос и поднятая рука работают и так.",
    "recorded": "Трансляция записывается. Запись увидят те же, кто видит трансляцию.",
    "not_encrypted": "Трансляция не зашифрована: её видят все, кому она предназначена, — вся школа или класс.",
    "play": "Смотреть",
    "pause": "Пауза",
    "mute": "Выключить звук",
    "unmute": "Включить звук",
    "to_live": "К прямому эфиру",
    "rewind": "Перемотка",
    "place": "Место в трансляции",
    "full_screen": "Во весь экран",
    "captions": "Субтитры",
    "quality": "Качество",
    "auto": "Авто",
    "sound_only": "Только звук (меньше трафика)",
    "keys_title": "Клавиши",
    "keys": "Пробел — пауза, M — звук, F — во весь экран, C — субтитры, R — перемотка, "
    "стрелки вверх и вниз — громкость, влево и вправо — на 10 секунд, Home — к началу, End — к прямому эфиру.",
    "take_part": "Участвовать",
    "raise_hand": "Поднять руку",
    "lower_hand": "Опустить руку",
    "hand_is_up": "Ваша рука поднята. Ведущие это видят.",
    "question": "Вопрос ведущим",
    "question_hint": "До 500 знаков. Ведущие увидят ваше имя. Вопрос они могут показать всем зрителям — без имени.",
    "slow": "Один вопрос в {seconds} с от каждого зрителя: так решили ведущие.",
    "too_soon": "Ведущие попросили не торопиться: подождите немного и задайте следующий вопрос.",
    "invited": "Ведущий зовёт вас в звонок. Там вас услышат, и вы услышите всех без задержки.",
    "join_call": "Войти в звонок",
    "chat": "Вопросы и сообщения",
    "send": "Отправить вопрос",
    "asked": "Вопрос отправлен ведущим.",
    "raised": "Рука поднята.",
    "lowered": "Рука опущена.",
    "question_empty": "Напишите вопрос, потом нажмите «Отправить».",
    "question_long": "Вопрос длиннее 500 знаков. Сократите его.",
    "question_form": "Форма пришла не целиком. Попробуйте ещё раз.",
    "too_often": "Слишком часто. Подождите немного и попробуйте ещё раз.",
    "not_sent": "Сейчас отправить не получилось. Попробуйте ещё раз через минуту.",
    "figures": "Для ведущих",
    "viewers": "Зрителей",
    "delay": "Отставание",
    "delay_unknown": "пока не известно",
    "seconds": "{seconds} с",
    "stalled": "Видео прерывается у",
    "hands": "Поднятых рук",
    "to_panel": "Управлять трансляцией",
    "back_to_watch": "К видео",
    "waiting_title": "Трансляция ещё не началась",
    "begins_at": "Начало: {when}.",
    "begins_unknown": "Время начала не указано.",
    "waiting": "Страница сама откроет видео, когда трансляция начнётся. Обновлять её не нужно.",
    "paused_title": "Трансляция прервалась",
    "paused": "У ведущего пропала связь. Страница сама откроет видео, когда связь вернётся.",
    "ended_title": "Трансляция закончилась",
    "ended_recorded": "Запись появится на этой странице, когда будет готова.",
    "recording_here": "Запись видят те же, кто видел трансляцию.",
    "ended": "Запись не велась.",
    "to_materials": "Открыть материалы",
    "signed_out_title": "Войдите, чтобы смотреть",
    "signed_out": "Трансляцию видят только те, кто зарегистрирован в школе. "
    "Войдите с учётной записью школы: той же, что в чатах.",
    "user": "Телефон, электронная почта или имя для входа",
    "password": "Пароль",
    "signin": "Войти",
    "signin_no_script": "Без JavaScript войти здесь нельзя. Откройте ссылку из чата школы в другом браузере.",
    "signin_page": "Войти на странице школы",
    "other_school_title": "Эта трансляция — не для вашей учётной записи",
    "other_school": "Её видят только люди той школы или того класса, для которых она идёт. "
    "Если вы в той школе учитесь или работаете, войдите с её учётной записью.",
    "not_found_title": "Такой трансляции нет",
    "not_found": "Проверьте ссылку: откройте её ещё раз из сообщения в чате.",
    "expired_title": "Ссылка устарела",
    "expired": "Откройте трансляцию ещё раз по ссылке из сообщения в чате школы.",
    "unavailable_title": "Сервер школы не отвечает",
    "unavailable": "Не получилось проверить, кто вы. Страница попробует ещё раз сама.",
    "panel_title": "Ведущий трансляции",
    "panel_state": "Сейчас",
    "state_waiting": "не началась",
    "state_live": "идёт",
    "state_paused": "прервалась: нет связи с тем, кто показывает",
    "state_ended": "закончилась",
    "panel_seen": "Что увидят зрители: камеру или экран того, кто говорит, и общий звук. "
    "Камера ученика видна, только если вы показали её крупно.",
    "start": "Начать трансляцию",
    "start_sure": "Я понимаю: трансляция не зашифрована, её видят все, кому она предназначена",
    "start_unsure": "Чтобы начать, отметьте, что вы понимаете, кто увидит трансляцию.",
    "stop": "Закончить трансляцию",
    "stop_sure": "Закончить для всех зрителей",
    "stop_unsure": "Чтобы закончить, отметьте «Закончить для всех зрителей».",
    "panel_recorded": "Трансляция записывается от начала до конца, зрителям об этом сказано.",
    "panel_not_recorded": "Запись не ведётся.",
    "begun": "Трансляция началась.",
    "stopped": "Трансляция закончена.",
    "not_done": "Не получилось. Попробуйте ещё раз через минуту.",
    "js_opening": "Открываем трансляцию…",
    "js_started": "Трансляция идёт.",
    "js_paused": "Пауза. Трансляция идёт дальше.",
    "js_ended": "Трансляция закончилась.",
    "js_reconnecting": "Связь прервалась. Подключаемся снова…",
    "js_back": "Связь восстановлена.",
    "js_muted": "Браузер включил видео без звука. Нажмите «Включить звук».",
    "js_press": "Нажмите «Смотреть»: браузер не включает видео сам.",
    "js_cannot": "Этот браузер не умеет показывать трансляцию. Откройте ссылку в другом браузере или обновите его.",
    "js_lines": "{lines}p",
    "js_volume": "Громкость {percent} %",
    "js_sound_off": "Звук выключен.",
    "js_sound_on": "Звук включён.",
    "js_captions_on": "Субтитры включены.",
    "js_captions_off": "Субтитры выключены.",
    "js_quality": "Качество: {name}.",
    "js_rewinding": "Открываем то, что уже было…",
    "js_rewound": "Вы смотрите то, что уже было. Трансляция идёт дальше.",
    "js_live_again": "Возвращаемся к прямому эфиру…",
    "js_no_rewind": "Перемотать сейчас нельзя. Показываем прямой эфир.",
    "js_place_of": "{at} из {end}",
    "js_chat_host": "Ведущий:",
    "js_wrong_password": "Не получилось войти. Проверьте телефон (или почту, имя) и пароль.",
    "js_wait_signin": "Слишком много попыток. Подождите минуту и попробуйте ещё раз.",
    "js_no_connection": "Нет связи с сервером. Попробуйте ещё раз.",
    "js_signing_in": "Проверяем, кто вы…",
}

EN: Mapping[str, str] = {
    "other_language": "Русский",
    "skip": "To the content",
    "title": "Broadcast",
    "live": "Live",
    "video": "Video of the broadcast",
    "controls": "Video controls",
    "no_script": "Without JavaScript only some browsers show the video. "
    "Questions and raised hands work all the same.",
    "recorded": "The broadcast is being recorded. Whoever sees it will see the recording.",
    "not_encrypted": "The broadcast is not encrypted: everyone it is for, the whole school or a class, sees it.",
    "play": "Watch",
    "pause": "Pause",
    "mute": "Turn sound off",
    "unmute": "Turn sound on",
    "to_live": "Go to live",
    "rewind": "Rewind",
    "place": "Place in the broadcast",
    "full_screen": "Full screen",
    "captions": "Captions",
    "quality": "Quality",
    "auto": "Automatic",
    "sound_only": "Sound only (less data)",
    "keys_title": "Keys",
    "keys": "Space pauses, M turns sound off and on, F is full screen, C captions, R rewinds, "
    "up and down the volume, left and right ten seconds, Home goes to the beginning, End to live.",
    "take_part": "Take part",
    "raise_hand": "Raise hand",
    "lower_hand": "Lower hand",
    "hand_is_up": "Your hand is raised. The hosts see it.",
    "question": "Question to the hosts",
    "question_hint": "Up to 500 characters. The hosts see your name. They may show the question to all, without a name.",
    "slow": "One question of each viewer in {seconds} s: the hosts decided so.",
    "too_soon": "The hosts asked for patience: wait a little before the next question.",
    "invited": "A host invites you into the call. You are heard there, and hear everybody without delay.",
    "join_call": "Enter the call",
    "chat": "Questions and messages",
    "send": "Send the question",
    "asked": "The question went to the hosts.",
    "raised": "Your hand is raised.",
    "lowered": "Your hand is lowered.",
    "question_empty": "Write the question, then press “Send”.",
    "question_long": "The question is longer than 500 characters. Make it shorter.",
    "question_form": "The form did not arrive whole. Please try again.",
    "too_often": "Too often. Wait a little and try again.",
    "not_sent": "That could not be sent now. Try again in a minute.",
    "figures": "For hosts",
    "viewers": "Viewers",
    "delay": "Delay",
    "delay_unknown": "not known yet",
    "seconds": "{seconds} s",
    "stalled": "Video stalls for",
    "hands": "Raised hands",
    "to_panel": "Lead the broadcast",
    "back_to_watch": "To the video",
    "waiting_title": "The broadcast has not begun",
    "begins_at": "It begins {when}.",
    "begins_unknown": "Nobody has said when it begins.",
    "waiting": "The page opens the video by itself when the broadcast begins. You need not reload it.",
    "paused_title": "The broadcast is interrupted",
    "paused": "The presenter has lost the connection. The page opens the video by itself when it is back.",
    "ended_title": "The broadcast is over",
    "ended_recorded": "The recording will be on this page when it is ready.",
    "recording_here": "The recording is seen by whoever could see the broadcast.",
    "ended": "It was not recorded.",
    "to_materials": "Open the materials",
    "signed_out_title": "Sign in to watch",
    "signed_out": "Only people registered at the school see the broadcast. "
    "Sign in with your school account: the one you use for chats.",
    "user": "Phone, e-mail or sign-in name",
    "password": "Password",
    "signin": "Sign in",
    "signin_no_script": "You cannot sign in here without JavaScript. "
    "Open the link from the school’s chat in another browser.",
    "signin_page": "Sign in on the school’s page",
    "other_school_title": "This broadcast is not for your account",
    "other_school": "Only people of the school or the class that it is for see it. "
    "If you learn or work there, sign in with that school’s account.",
    "not_found_title": "There is no such broadcast",
    "not_found": "Check the link: open it again from the message in the chat.",
    "expired_title": "The link is too old",
    "expired": "Open the broadcast again by the link in the school’s chat.",
    "unavailable_title": "The school’s server does not answer",
    "unavailable": "We could not check who you are. The page tries again by itself.",
    "panel_title": "Broadcast host",
    "panel_state": "Now",
    "state_waiting": "not begun",
    "state_live": "on air",
    "state_paused": "interrupted: no connection to whoever presents",
    "state_ended": "over",
    "panel_seen": "What viewers see: the camera or screen of whoever speaks, and everybody’s sound. "
    "A pupil’s camera is seen only if you showed it large.",
    "start": "Start the broadcast",
    "start_sure": "I understand: the broadcast is not encrypted, everyone it is for sees it",
    "start_unsure": "To start, tick that you understand who will see the broadcast.",
    "stop": "End the broadcast",
    "stop_sure": "End it for all viewers",
    "stop_unsure": "To end it, tick “End it for all viewers”.",
    "panel_recorded": "The broadcast is recorded from beginning to end, viewers are told so.",
    "panel_not_recorded": "It is not being recorded.",
    "begun": "The broadcast has begun.",
    "stopped": "The broadcast is over.",
    "not_done": "That did not work. Try again in a minute.",
    "js_opening": "Opening the broadcast…",
    "js_started": "The broadcast is playing.",
    "js_paused": "Paused. The broadcast goes on.",
    "js_ended": "The broadcast is over.",
    "js_reconnecting": "The connection was lost. Connecting again…",
    "js_back": "Connected again.",
    "js_muted": "The browser started the video without sound. Press “Turn sound on”.",
    "js_press": "Press “Watch”: the browser does not start the video by itself.",
    "js_cannot": "This browser cannot show the broadcast. Open the link in another browser, or update this one.",
    "js_lines": "{lines}p",
    "js_volume": "Volume {percent} %",
    "js_sound_off": "Sound off.",
    "js_sound_on": "Sound on.",
    "js_captions_on": "Captions on.",
    "js_captions_off": "Captions off.",
    "js_quality": "Quality: {name}.",
    "js_rewinding": "Opening what has been shown…",
    "js_rewound": "You are watching what has been shown. The broadcast goes on.",
    "js_live_again": "Going back to live…",
    "js_no_rewind": "It cannot be rewound now. This is live.",
    "js_place_of": "{at} of {end}",
    "js_chat_host": "Host:",
    "js_wrong_password": "That did not work. Check the phone (or e-mail, name) and the password.",
    "js_wait_signin": "Too many attempts. Wait a minute and try again.",
    "js_no_connection": "No connection to the server. Please try again.",
    "js_signing_in": "Checking who you are…",
}

WORDS: Mapping[str, Mapping[str, str]] = {"ru": RU, "en": EN}

#: In the genitive, as dates have them; English beside it.
MONTHS: Mapping[str, tuple[str, ...]] = {
    "ru": (
        *("января", "февраля", "марта", "апреля", "мая", "июня"),
        *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}


def when(at: datetime, now: datetime, language: str) -> str:
    """`сегодня в 18:30`, else `28 ноября в 18:30`, in the time zone of `at`: the school's."""
    clock = f"{at.hour:02}:{at.minute:02}"
    if at.date() == now.astimezone(at.tzinfo).date():
        return f"сегодня в {clock}" if language == "ru" else f"today at {clock}"
    day = f"{at.day} {MONTHS[language][at.month - 1]}"
    return f"{day} в {clock}" if language == "ru" else f"on {day} at {clock}"


def seconds(value: float, language: str) -> str:
    """`2,4 с`: one digit, with the language's comma."""
    text = f"{value:.1f}"
    return WORDS[language]["seconds"].format(
        seconds=text.replace(".", ",") if language == "ru" else text
    )


def language_of(asked: str, chosen: str, accept: str) -> str:
    """`?lang=`, else the cookie, else what the browser prefers, else Russian."""
    for one in (asked, chosen):
        if one in LANGUAGES:
            return one
    for part in accept[:200].split(","):
        wanted = part.partition(";")[0].strip().partition("-")[0].lower()
        if wanted in LANGUAGES:
            return wanted
    return LANGUAGES[0]
