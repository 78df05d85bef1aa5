"""The mail to somebody whose number another person has proved. Pure. It names neither the number nor the other one."""

from __future__ import annotations

from bridge.texts import MailText

SUBJECT = {
    "ru": "Кто-то указал ваш номер как свой",
    "en": "Somebody says that your number is theirs",
}
TEXT = {
    "ru": (
        "Здравствуйте!\n\n"
        "Кто-то ввёл код, пришедший на номер из вашего школьного профиля, и сообщил, что этот профиль не его. "
        "Так бывает, когда оператор отдал старый номер другому человеку.\n\n"
        "Если номер по-прежнему ваш, войдите на {url} и нажмите «Номер мой». "
        "Если вы не ответите {days} дн., номер освободится.\n"
    ),
    "en": (
        "Hello,\n\n"
        "Somebody typed a code that was sent to the number of your school profile, and said that the profile is "
        "not theirs. This happens when an operator gives an old number to another person.\n\n"
        "If the number is still yours, sign in at {url} and press “The number is mine”. "
        "If you do not answer within {days} days, the number becomes free.\n"
    ),
}


def dispute_mail(url: str, days: int, language: str = "ru") -> MailText:
    known = language if language in TEXT else "ru"
    return MailText(SUBJECT[known], TEXT[known].format(url=url, days=days))
