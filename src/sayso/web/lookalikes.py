"""Text that looks like other text: several scripts in one word, hosts in foreign letters, names that look alike.

It says what is there and decides nothing: a chip beside the text, in words.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_SCRIPTS = (
    "LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "HEBREW", "ARABIC", "CHEROKEE", "COPTIC", "DEVANAGARI", "THAI",
    "GEORGIAN", "HANGUL", "HIRAGANA", "KATAKANA", "CJK", "FULLWIDTH", "MATHEMATICAL",
)  # fmt: skip
_TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA", "LATIN"}, {"CJK", "HANGUL", "LATIN"})
"""Scripts that are written together in one word."""
_DRAWN_LIKE = {
    "a": "\u0430\u03b1\u0391\u0410\u0251", "b": "\u0412\u0392\u042c", "c": "\u0441\u0421\u03f2", "d": "\u0501",
    "e": "\u0435\u0415\u0395", "g": "\u0261", "h": "\u04bb\u041d\u0397\u0570", "i": "\u0456\u0406\u03b9\u0399\u0131",
    "j": "\u0458\u0408", "k": "\u043a\u041a\u039a\u03ba", "l": "\u04cf\u04c0", "m": "\u041c\u039c", "n": "\u039d\u0578",
    "o": "\u043e\u041e\u03bf\u039f\u0585", "p": "\u0440\u0420\u03c1\u03a1", "q": "\u051b", "s": "\u0455\u0405",
    "t": "\u0422\u03a4", "u": "\u03c5\u057d", "v": "\u03bd\u0475", "w": "\u051d\u0461", "x": "\u0445\u0425\u03a7\u03c7",
    "y": "\u0443\u0423\u03a5", "z": "\u0396",
}  # fmt: skip
_TWINS = str.maketrans({twin: letter for letter, twins in _DRAWN_LIKE.items() for twin in twins})
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s"})
_WORD = re.compile(r"[^\W_]+")
_HOST = re.compile(r"(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{1,62}")
_MOST = 20_000
"""Characters that are looked at: what is beyond is shown all the same."""


def script_of(char: str) -> str | None:
    """Return the script of a letter; None for what belongs to all of them, and for those that look like no other."""
    if not char.isalpha():
        return None
    if char.isascii():
        return "LATIN"
    name = unicodedata.name(char, "")
    return next((script for script in _SCRIPTS if name.startswith(script)), None)


def skeleton(text: str) -> str:
    """Return what a text looks like: the same for texts that can be taken for each other."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return plain.translate(_TWINS).casefold().translate(_ALIKE)


def warnings(text: str) -> list[str]:
    """Return what is to be known of a text beside what it shows, in words."""
    found = _blanks(text)
    if text.isascii():
        return [*found, *_hosts(text[:_MOST])]
    looked_at = text[:_MOST]
    if unicodedata.normalize("NFC", looked_at) != looked_at:
        found.append("letters put together from parts (NFD)")
    mixed = sorted({_named(scripts) for word in _WORD.findall(looked_at) if (scripts := _scripts(word))})
    found += [f"mixed scripts in one word: {scripts}" for scripts in mixed]
    found += _disguised(looked_at)
    if any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in looked_at):
        found.append("has text from right to left")
    return [*found, *_hosts(looked_at)]


def twins(names: Iterable[str]) -> dict[str, str]:
    """Return the names that look like an earlier one, each with that one."""
    seen: dict[str, str] = {}
    found: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(skeleton(name), name)
        if first != name:
            found[name] = first
    return found


def _disguised(text: str) -> Iterator[str]:
    """Tell of words in other letters that read as Latin ones, in a text that has Latin words."""
    words = dict.fromkeys(_WORD.findall(text))
    if not any(word.isascii() and word.isalpha() for word in words):
        return
    for word in words:
        if "LATIN" not in set(map(script_of, word)) and not word.isascii() and skeleton(word).isascii():
            yield f"{word} is not Latin, and reads as {skeleton(word)}"


def _blanks(text: str) -> list[str]:
    found: list[str] = []
    if text[:1].isspace():
        found.append("begins with blanks")
    if text.rstrip("\n")[-1:].isspace() and text.strip():
        found.append("ends with blanks")
    return found


def _scripts(word: str) -> set[str]:
    """Return the scripts of a word, where there are several that are not written together."""
    scripts = {script for char in word if (script := script_of(char)) is not None}
    return scripts if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER) else set()


def _named(scripts: set[str]) -> str:
    return ", ".join(sorted(script.capitalize() for script in scripts))


def _hosts(text: str) -> Iterator[str]:
    for host in dict.fromkeys(_HOST.findall(text)):
        if host.isascii():
            if any(label.startswith("xn--") for label in host.lower().split(".")):
                yield f"{host} is written in other letters: {_decoded(host)}"
        elif any(script_of(char) not in {None, "LATIN"} for char in host) and skeleton(host).isascii():
            yield f"{host} is not {skeleton(host)}: it has letters that look alike ({_encoded(host)})"


def _decoded(host: str) -> str:
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return "it cannot be read"


def _encoded(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return "no valid host"
