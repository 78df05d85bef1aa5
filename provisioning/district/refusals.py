"""What the operator's register cannot be, in sentences for a person. Pure."""

from __future__ import annotations

from typing import ClassVar

from provisioning.language import say
from provisioning.problem_texts import Language
from provisioning.refusals import Refusal


class RegisterRefused(Refusal):
    """`{s}` in a sentence is what it is about; never a key's secret."""

    ru: ClassVar[str] = "реестр не годится"
    en: ClassVar[str] = "the register is not right"

    def __init__(self, subject: str = "") -> None:
        super().__init__(message=subject)
        self.subject = subject

    def sentence(self, language: Language) -> str:
        return say(language, self.ru, self.en).format(s=self.subject)


class NoRegister(RegisterRefused):
    ru = "в папке {s} нет реестра; начните с sferum district init или укажите --dir"
    en = "there is no register in {s}; begin with sferum district init, or give --dir"


class RegisterExists(RegisterRefused):
    ru = "в папке {s} уже есть реестр; второй раз начинать его нельзя: школы верят первому ключу"
    en = "there is a register in {s} already; it cannot be begun twice: schools believe its first key"


class BadText(RegisterRefused):
    ru = "{s}: нужен непустой текст не длиннее 200 знаков, в одну строку"
    en = "{s}: a text is wanted, not empty, at most 200 characters, one line"


class BadDistrict(RegisterRefused):
    ru = "имя округа {s}: строчные латинские буквы, цифры, точка и дефис, до 63 знаков"
    en = "name of the district {s}: lower-case letters, digits, dot and hyphen, at most 63"


class BadServerName(RegisterRefused):
    ru = "{s} — не имя сервера; нужно имя из homeserver.yaml школы, например school86.example"
    en = "{s} is no server name; take the one of the school's homeserver.yaml, as school86.example"


class BadKey(RegisterRefused):
    ru = "{s}: нужен открытый ключ в виде ed25519:ИМЯ=43 знака; его показывает {where}"
    en = "{s}: a public key is wanted, as ed25519:NAME=43 characters; {where} shows it"

    def sentence(self, language: Language) -> str:
        where = "https://SERVER/_matrix/key/v2/server"
        return say(language, self.ru, self.en).format(s=self.subject, where=where)


class BadAddress(RegisterRefused):
    ru = "{s}: нужен адрес сервера школы вида https://matrix.school86.example, без пути"
    en = "{s}: the address of the school's server is wanted, as https://matrix.school86.example, without a path"


class PublicPlace(RegisterRefused):
    ru = "в папке {s} лежит реестр, который открыт всем; сведения о школах положите в другую папку"
    en = "the folder {s} has the register that everybody reads; put what is known of the schools elsewhere"


class BadRoom(RegisterRefused):
    ru = (
        "комната {s}: имя — строчные латинские буквы, цифры и дефис; --members и --writers — staff, director, deputy,"
        " administrator, teacher, хотя бы один участник; предмет до 60 знаков"
    )
    en = (
        "room {s}: its name has lower-case letters, digits and hyphens; --members and --writers are of staff, director,"
        " deputy, administrator, teacher, at least one member; a subject of at most 60 characters"
    )


class NoRoom(RegisterRefused):
    ru = "комнаты {s} в реестре нет"
    en = "there is no room {s} in the register"


class BadPair(RegisterRefused):
    ru = (
        "пара {s}: два слова через двоеточие из staff, director, deputy, administrator, teacher, student, guardian; "
        "хотя бы одно — о сотрудниках: ученики и родители разных школ не встречаются"
    )
    en = (
        "pair {s}: two words with a colon, of staff, director, deputy, administrator, teacher, student, guardian; "
        "at least one is of staff: pupils and parents of two schools do not meet"
    )


class NotInRegister(RegisterRefused):
    ru = "школы {s} в реестре нет"
    en = "there is no school {s} in the register"


class TooMany(RegisterRefused):
    ru = "слишком много: {s}"
    en = "too many: {s}"


class NoSigningKey(RegisterRefused):
    ru = "нет файла ключа {s} или он от другого ключа; верните его из копии"
    en = "the key file {s} is missing or of another key; bring it back from the copy"


class NotSigned(RegisterRefused):
    ru = "{s}: подпись не этого округа, или файл изменён после подписи"
    en = "{s}: not signed by this district, or changed after it was signed"


class Unreadable(RegisterRefused):
    ru = "{s}: это не реестр, или файл не открывается"
    en = "{s}: this is no register, or the file cannot be opened"


class Stale(RegisterRefused):
    ru = "срок реестра {s} прошёл; подпишите новый: sferum district sign"
    en = "the register {s} has expired; sign a new one: sferum district sign"


class Unsigned(RegisterRefused):
    ru = "в реестре есть неподписанные изменения; сначала sferum district sign"
    en = "the register has changes that are not signed; first sferum district sign"


class Older(RegisterRefused):
    ru = "по адресу {s} уже лежит реестр новее этого; школы старый не примут"
    en = "at {s} there is a newer register than this one already; schools refuse an older one"
