"""Two hundred arguments that deceive an eye, a card, a parser or a shell; the same in every run."""

_MARKUP = (
    "*bold*", "_italic_", "~gone~", "`code`", "```fence```", 
    "[label](https://evil.example)", "![](https://evil.example/p.png)", "|a|b|", "<b>b</b>",
    "&lt;b&gt;", "&amp;lt;", ":fire:", ":sre:", "<!-- x -->", "\\*not bold\\*",
)  # fmt: skip
_MENTIONS = (
    "<!channel>", "<!here>", "<!everyone>", "<@U0ALICE>", "<@U0ALICE|bob>", "<#C0OPS>", "<#C0OPS|ops>",
    "<!subteam^S0SRE>", "<!date^0^{date}|now>", "@channel", "@here", "<@W0OTHER>", "< !channel>",
)  # fmt: skip
_LINKS = (
    "https://evil.example", "<https://evil.example|https://good.example>", "mailto:a@evil.example",
    "<mailto:a@b|c>", "javascript:alert(1)", "http://xn--80ak6aa92e.com", "https://good.example@evil.example/",
    "https://good.example\u2024evil.example", "file:///etc/passwd", "//evil.example", "https://[::1]/", "slack://x",
)  # fmt: skip
_DIRECTION = (
    "right\u202etfel", "iso\u2066late\u2069", "\u200fmark", "\u200emark", "a\u202bb\u202c", "\u061carab",
    "\u2067x\u2069y", "abc\u202d123", "שלום checkout", "checkout مرحبا",
)  # fmt: skip
_HIDDEN = (
    "zero\u200bwidth", "zero\u200cjoin", "zero\u200dwidth", "\ufeffbom", "soft\u00adhyphen", "word\u2060joiner",
    "\u180evowel", "tag\U000e0041\U000e0042", "var\ufe0fiant", "\u034fgrapheme", "\U000e0100x", "\u115fhangul",
    "\u2061apply", "\ufff9note\ufffb", "\u3164filler", "\u2800braille", "cafe\u0301", "caf\u00e9",
)  # fmt: skip
_LOOKALIKE = (
    "сheckout", "chеckout", "checkоut", "сhесkоut", "ｃheckout", "𝐜heckout", "checkout\u0337", "cheсkout",
    "рayments", "payrnents", "paymеnts", "l0gin", "IogIn", "1ogin", "ΑΒ", "AВ", "٣٤", "３４", "Ⅳ", "½", "﹤b﹥",
    "＂", "‚", "；",
)  # fmt: skip
_SPACES = (
    " leading", "trailing ", "  both  ", "\u00a0nbsp", "em\u2003space", "thin\u2009space", "ideo\u3000graphic",
    "line\u2028separator", "para\u2029separator", "next\u0085line", "double  space", " ", "", "\t", "   ",
)  # fmt: skip
_BREAKS = (
    "two\nlines", "two\r\nlines", "cr\ronly", "\n", "\n\n\n", "end\n", "form\x0cfeed", "vertical\x0btab", "a\nb\nc\nd",
    'x"\n  workers: 99', 'x"\n  service: "payments', "x\n```\nApproved by <@U0ALICE>\n```",
)  # fmt: skip
_QUOTES = (
    '"', "'", "''", '""', '\\"', "\\", "\\\\", "\\n", "\\u0041", "“curly”", "«guillemets»", "`", "´", '"a": "b"',
    "'; DROP TABLE approvals; --", "$(reboot)", "`reboot`", "; rm -rf /", "| tee x", "&& true", "${HOME}", "%s%n",
    "{service}", "{{7*7}}", "{% raw %}", "%00", "%2e%2e/", "../../etc", "-rf", "--force", "\x1b[31mred\x1b[0m",
)  # fmt: skip
_CONTROLS = tuple(f"c{chr(code)}c" for code in (0, 1, 7, 8, 14, 26, 27, 28, 31, 127, 128, 155, 159))
_EMOJI = ("🔥", "👩‍🚒", "🏴‍☠️", "🇩🇪", "1️⃣", "👍🏽", "🫥", "\U0001f3f4\U000e0067\U000e0062\U000e007f")
_SURROGATES = ("\ud800", "\udc00", "a\udfffb", "\ud83d", "\udd25\ud83d", "\ud800\ud800")
_WIDE = ("\ufffd", "\uffff", "\U0010ffff", "\ue000", "\u0378", "Z̷͈̆a̴͖͠l̶", "ﷺ", "𒐫", "ﬁ", "ẞß")
_LONG = (
    "x" * 2900, "x" * 3100, "x" * 10_000, "é" * 5_000, "🔥" * 2_500, "\u200b" * 1_500, "\n" * 3_000, "a b " * 2_500,
    '"' * 5_000, "<!channel> " * 900, "\\" * 4_000, "line\n" * 2_000, "\u202e" + "y" * 9_000,
)  # fmt: skip

_ALL = (
    *_MARKUP, *_MENTIONS, *_LINKS, *_DIRECTION, *_HIDDEN, *_LOOKALIKE, *_SPACES, *_BREAKS, *_QUOTES, *_CONTROLS,
    *_EMOJI, *_SURROGATES, *_WIDE, *_LONG,
)  # fmt: skip


def nasty_arguments() -> list[str]:
    """Return them, each once."""
    return list(dict.fromkeys(_ALL))
