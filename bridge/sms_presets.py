"""Gateways that a school can name instead of describing. `vars` are what it must add.

Kannel is tested for real. The Russian ones follow their public documentation (onboarding.md §6) and
were tried against answers written down from there, not against the services.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.gateway import BadGateway, Gateway


def kannel(
    *, host: str, username: str, password: str, sender: str, report_url: str = ""
) -> Gateway:
    """Kannel's smsbox: SMPP and modems behind one HTTP call (user guide, "Using the HTTP interface").

    coding=2 is UCS-2. dlr-mask 31: delivered, failed, buffered, sent, rejected. 202 is the only yes:
    "0: Accepted for delivery" or "3: Queued for later delivery".
    """
    params = {
        "username": "{{ username }}",
        "password": "{{ password }}",
        "from": "{{ sender }}",
        "to": "{{ to }}",
        "text": "{{ text }}",
        "charset": "UTF-8",
        "coding": "2",
    }
    if report_url:
        params |= {"dlr-mask": "31", "dlr-url": "{{ report_url }}?id={{ id }}&status=%d"}
    return Gateway(
        method="GET",
        url="{{ host }}/cgi-bin/sendsms",
        params=params,
        vars={
            "host": host, "username": username, "password": password, "sender": sender,
            "report_url": report_url,
        },
        ok_status=frozenset({202}),
        ok_regex=r"^[03]: ",
    )  # fmt: skip


def smsc_ru(*, apikey: str, sender: str, host: str = "https://smsc.ru") -> Gateway:
    """smsc.ru: answers 200 also to errors, with `error_code` in the body."""
    return Gateway(
        url="{{ host }}/sys/send.php",
        data={
            "apikey": "{{ apikey }}",
            "phones": "{{ digits }}",
            "mes": "{{ text }}",
            "sender": "{{ sender }}",
            "fmt": "3",
            "charset": "utf-8",
        },
        vars={"host": host, "apikey": apikey, "sender": sender},
        bad_json=("error_code", "error"),
        id_json="id",
    )


def sms_aero(
    *, email: str, apikey: str, sender: str, host: str = "https://gate.smsaero.ru"
) -> Gateway:
    """SMS Aero v2."""
    return Gateway(
        url="{{ host }}/v2/sms/send",
        json={"number": "{{ digits }}", "text": "{{ text }}", "sign": "{{ sender }}"},
        basic=("{{ email }}", "{{ apikey }}"),
        vars={"host": host, "email": email, "apikey": apikey, "sender": sender},
        ok_json={"success": True},
        id_json="data.id",
    )


def exolve(*, apikey: str, sender: str, host: str = "https://api.exolve.ru") -> Gateway:
    """MTS Exolve."""
    return Gateway(
        url="{{ host }}/messaging/v1/SendSMS",
        json={"number": "{{ sender }}", "destination": "{{ digits }}", "text": "{{ text }}"},
        headers={"Authorization": "Bearer {{ apikey }}"},
        vars={"host": host, "apikey": apikey, "sender": sender},
        bad_json=("error",),
        id_json="message_id",
    )


def sms_ru(*, apikey: str, host: str = "https://sms.ru") -> Gateway:
    """sms.ru: "OK" for the request does not mean yes for the message; that stands under its number."""
    return Gateway(
        url="{{ host }}/sms/send",
        data={"api_id": "{{ apikey }}", "to": "{{ digits }}", "msg": "{{ text }}", "json": "1"},
        vars={"host": host, "apikey": apikey},
        ok_json={"status": "OK", "sms.{{ digits }}.status_code": 100},
        id_json="sms.{{ digits }}.sms_id",
    )


#: By the name in the configuration.
PRESETS: dict[str, Callable[..., Gateway]] = {
    "kannel": kannel,
    "smsc.ru": smsc_ru,
    "smsaero": sms_aero,
    "exolve": exolve,
    "sms.ru": sms_ru,
}


def preset(name: str, **settings: str) -> Gateway:
    """The preset `name` with the school's settings.

    Raises:
        BadGateway: no such preset, or a setting is missing or unknown.
    """
    if name not in PRESETS:
        raise BadGateway(f"preset: want one of {', '.join(PRESETS)}")
    try:
        return PRESETS[name](**settings)
    except TypeError as error:
        # "sms_ru() missing 1 required keyword-only argument: 'apikey'": names, no values.
        raise BadGateway(f"preset {name}: {error}") from None
