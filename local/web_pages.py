"""Requests that a web page made a browser send: the servers on this machine are for programs of its user only; pure.

A page of any site may send requests to 127.0.0.1, and to itself under a name that its DNS then moves there (rebinding).
Browsers say so: with `Origin`, with `Sec-Fetch-Site`, and the name is in `Host`.
"""

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

_OWN_NAME = "localhost"


def refusal(headers: Mapping[str, str], origins: Collection[str] = ()) -> str:
    """Say why a request is refused, by its headers in lower case; "" if it is not. Pages of `origins` may send any."""
    if not is_here(headers.get("host", "")):
        return "Host names another machine"
    origin = headers.get("origin")
    if origin in origins:
        return ""
    if origin is not None:
        return "Origin: web pages are refused"
    if (
        headers.get("sec-fetch-site", "none") != "none"
    ):  # none: a person typed the address, or followed a link of a program
        return "Sec-Fetch-Site: web pages are refused"
    return ""


def is_here(host: str) -> bool:
    """Return whether a Host header names the loopback interface: an address of it, localhost, a name below that."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == _OWN_NAME or name.endswith(f".{_OWN_NAME}"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
