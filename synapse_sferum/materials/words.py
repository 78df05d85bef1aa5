"""What a room is told of a material that was published on the pages. Pure. Rooms are Russian, as their names are."""

from __future__ import annotations

from html import escape
from typing import Any

from synapse_sferum.events import MATERIAL
from synapse_sferum.materials.values import Material


def message(material: Material, page: str) -> dict[str, Any]:
    """Its title, how large it is, and where it is read; `page` "" where there are no pages."""
    one = material
    lead, rest = f"Новый материал: «{one.title}»", f" ({size_text(one.size)})"
    body, html = f"{lead}{rest}", f"<strong>{escape(lead)}</strong>{escape(rest)}"
    if one.folder:
        body += f", папка «{one.folder}»"
        html += escape(f", папка «{one.folder}»")
    about: dict[str, Any] = {
        "id": one.material_id,
        "title": one.title,
        "name": one.name,
        "mimetype": one.mimetype,
        "size": one.size,
        "folder": one.folder,
    }
    if page:
        link = f"{page}/{one.material_id}"
        body += f"\n{link}"
        html += f'<br><a href="{escape(link)}">{escape(link)}</a>'
        about["link"] = link
    return {
        "msgtype": "m.text",
        "body": body,
        "format": "org.matrix.custom.html",
        "formatted_body": html,
        "m.mentions": {},
        MATERIAL: about,
    }


def size_text(octets: int) -> str:
    """`12 МБ`, `340 КБ`; decimal, as disks and phones count."""
    for unit, size in (("ГБ", 10**9), ("МБ", 10**6), ("КБ", 10**3)):
        if octets >= size:
            found = octets / size
            text = f"{found:.1f}".replace(".", ",") if found < 10 else f"{found:.0f}"
            return f"{text.removesuffix(',0')} {unit}"
    return f"{octets} Б"
