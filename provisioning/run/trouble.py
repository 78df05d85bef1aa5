"""What can go wrong while starting, each with a sentence that says what to do. Pure."""

from __future__ import annotations

from pathlib import Path

from provisioning.language import say
from provisioning.problem_texts import Language

EXIT_START, EXIT_USAGE, EXIT_REFUSED, EXIT_INTERRUPTED = 1, 2, 3, 130


class Trouble(Exception):
    """`sferum run` cannot go on. One line, no traceback.

    Attributes:
        code: exit code.
    """

    def __init__(self, ru: str, en: str, code: int = EXIT_START) -> None:
        super().__init__(en)
        self._ru, self._en, self.code = ru, en, code

    def sentence(self, language: Language) -> str:
        return say(language, self._ru, self._en)


def port_taken(port: int, free: int, option: str = "--port") -> Trouble:
    """Somebody listens there; `free` is a port that is not taken."""
    return Trouble(
        f"Порт {port} занят другой программой. Остановите её или выберите другой порт: "
        f"sferum run {option} {free}",
        f"Port {port} is taken by another program. Stop that program, or choose another port: "
        f"sferum run {option} {free}",
        EXIT_USAGE,
    )


def already_runs(root: Path) -> Trouble:
    return Trouble(
        f"В папке {root} уже работает другой sferum run. Остановите его (Ctrl-C) или выберите "
        "другую папку: sferum run --var ПАПКА --port ПОРТ",
        f"Another sferum run uses {root}. Stop it (Ctrl-C), or choose another folder: "
        "sferum run --var FOLDER --port PORT",
        EXIT_USAGE,
    )


def no_example(path: Path) -> Trouble:
    return Trouble(
        f"Нет файла {path}. Запустите sferum run из папки, куда скачан проект (git clone).",
        f"There is no {path}. Start sferum run in the folder of the project (git clone).",
        EXIT_USAGE,
    )


def example_changed(path: Path, name: str) -> Trouble:
    return Trouble(
        f"В файле {path} строка {name} не такая, как была: верните её (git checkout {path.name}). "
        "Свои настройки пишите в local.yaml в папке --var.",
        f"The line {name} of {path} is not as it was: restore it (git checkout {path.name}). "
        "Write your own settings into local.yaml in the folder of --var.",
        EXIT_USAGE,
    )


def not_installed(name: str) -> Trouble:
    return Trouble(
        f"Не всё нужное установлено в этом окружении Python ({name}). Выполните: make setup",
        f"Not everything is installed in this Python environment ({name}). Run: make setup",
        EXIT_USAGE,
    )


def not_writable(path: Path, reason: str) -> Trouble:
    return Trouble(
        f"Не удаётся записать {path}: {reason}. Проверьте права или выберите другую папку (--var).",
        f"Cannot write {path}: {reason}. Check its permissions, or choose another folder (--var).",
    )


def other_size(root: Path, there: int, asked: int) -> Trouble:
    return Trouble(
        f"В папке {root} уже есть школа из {there} учеников, а указано --pupils {asked}. "
        "Уберите --pupils или выберите другую папку (--var).",
        f"{root} already holds a school of {there} pupils, but --pupils {asked} was given. "
        "Leave out --pupils, or choose another folder (--var).",
        EXIT_USAGE,
    )


def bad_demo(path: Path) -> Trouble:
    return Trouble(
        f"Файл {path} испорчен. Удалите всю папку {path.parent} (школа-пример будет создана заново) "
        "или выберите другую (--var).",
        f"{path} is damaged. Delete the whole folder {path.parent} (the sample school is made "
        "again), or choose another one (--var).",
        EXIT_USAGE,
    )


def ended(name: str, code: int, log: Path, last_words: str) -> Trouble:
    """A server ended by itself; `last_words` are the last lines of its log."""
    return Trouble(
        f"{name}: работа завершилась сама (код {code}). Последние строки {log}:\n{last_words}",
        f"{name} ended by itself (code {code}). Last lines of {log}:\n{last_words}",
    )


def too_slow(name: str, seconds: float, log: Path) -> Trouble:
    return Trouble(
        f"{name}: нет ответа {seconds:.0f} с. Посмотрите журнал: {log}",
        f"{name} did not answer within {seconds:.0f} s. Look at its log: {log}",
    )


def not_prepared(last_words: str) -> Trouble:
    """The bridge could not give demo people their phones, or make links."""
    return Trouble(
        f"Не удалось подготовить ссылки и телефоны для пробы: {last_words}",
        f"Links and phones to try things out could not be prepared: {last_words}",
        EXIT_REFUSED,
    )


#: Rooms that are not being filled.
STUCK = (
    "Чаты не заполняются. Посмотрите журнал и sferum org jobs, затем запустите sferum run снова.",
    "The rooms are not being filled. Look at the log and at sferum org jobs, then start sferum run "
    "again.",
)


def refused(what: str, status: int, errcode: str) -> Trouble:
    """The homeserver said no to one of our own calls."""
    return Trouble(
        f"Сервер отказал: {what}, ответ {status} {errcode}. Похоже на ошибку программы: сообщите о "
        "ней и приложите журнал.",
        f"The server refused: {what}, answer {status} {errcode}. This looks like a bug: please "
        "report it with the log.",
        EXIT_REFUSED,
    )
