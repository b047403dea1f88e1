"""Credentials in the texts of failures: libraries put addresses and headers into their exceptions, and these are kept.

A failure's text is stored in the journal, shown to people and told to models. What has the form of a credential is
replaced before that; what an input or a result holds is the user's own data, and is left alone.
"""

import re

CONCEALED = "[concealed]"
_FORMS = (
    re.compile(r"(?<=://)[^\s/@]{1,500}(?=@)"),
    re.compile(r"(?i)\b(?<=bearer )[\w.~+/=-]{8,}"),
    re.compile(r"(?i)\b(?<=basic )[\w+/=-]{8,}"),
    re.compile(r"\b(?:sk|pk|rk)[-_][\w-]{12,}"),
    re.compile(r"\bsayso_(?:live|cli|ses|link|inv)_[\w-]{8,}"),
    re.compile(r"(?i)(?<=api[_-]key[=:])[^\s&,;'\"]{4,}"),
)


def without_credentials(text: str) -> str:
    """Return a failure's text with every credential in it concealed."""
    for form in _FORMS:
        text = form.sub(CONCEALED, text)
    return text
