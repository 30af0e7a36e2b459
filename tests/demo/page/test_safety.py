"""Whatever an outside string contains, it is shown as text: nothing runs, nothing becomes markup."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from demo.slack import LocalWorkspace

from .gallery import Json, mrkdwn, plain, rich, words
from .opened import INCIDENTS, open_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CORPUS = [
    "<script>window.pwned=1</script>",
    '<img src=x onerror="window.pwned=1">',
    '"><svg onload=window.pwned=1>',
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<a href='javascript:window.pwned=1'>click</a>",
    "</code></pre><img src=x onerror=window.pwned=1>",
    "<style>*{display:none}</style>",
    "{{constructor.constructor('window.pwned=1')()}}",
    "&lt;img src=x onerror=window.pwned=1&gt;",
    "<javascript:window.pwned=1|harmless>",
    "<data:text/html,<script>pwned=1</script>|page>",
    "[x](javascript:window.pwned=1) ![y](javascript:window.pwned=1)",
    "[x](JaVaScRiPt&colon;window.pwned=1)",
]

FOREIGN = (Path(__file__).parent / "find_foreign_markup.js").read_text()


def hostile_blocks(payload: str) -> list[Json]:
    """The payload in every place of a card that takes text or an address."""
    button: Json = {
        "type": "button",
        "action_id": "x",
        "text": plain(payload[:75]),
        "accessibility_label": payload[:75],
    }
    cell = {"type": "raw_text", "text": payload}
    return [
        {"type": "section", "text": mrkdwn(payload), "fields": [mrkdwn(payload), plain(payload)]},
        {"type": "header", "text": plain(payload)},
        {
            "type": "markdown",
            "text": f"{payload}\n\n# {payload}\n\n```\n{payload}\n```\n\n| {payload} | b |\n|--|--|\n| {payload} | d |",
        },
        {"type": "context", "elements": [mrkdwn(f"`{payload}` *{payload}*")]},
        rich(
            {"type": "rich_text_section", "elements": [words(payload), words(payload, code=True)]},
            {"type": "rich_text_preformatted", "elements": [words(payload)]},
        ),
        {"type": "task_card", "task_id": "t", "title": payload, "status": "complete"},
        {"type": "table", "rows": [[cell, cell], [cell, cell]]},
        {"type": "actions", "elements": [button]},
    ]


async def test_hostile_text_is_inert_in_every_place_it_can_stand(page: Page, workspace: LocalWorkspace) -> None:
    for payload in CORPUS:
        attachment = {
            "title": payload,
            "text": payload,
            "footer": payload,
            "color": payload,
            "fields": [{"title": payload, "value": payload}],
        }
        sent = [
            await workspace.post(
                "bot_post", channel=INCIDENTS, username=payload[:60], text=payload, attachments=[attachment]
            ),
            await workspace.post(
                "bot_post", channel=INCIDENTS, username="Bot", text=payload, blocks=hostile_blocks(payload)
            ),
            await workspace.post("post", as_="U0BOB", channel=INCIDENTS, text=payload),
        ]
        assert all(answer["ok"] for answer in sent), sent
    dialogs: list[Any] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))
    await open_page(page, workspace)
    await expect(page.locator("#conversation .message")).to_have_count(3 * len(CORPUS))
    assert await page.locator(".unknown-block").count() == 0
    assert await page.evaluate(FOREIGN, "#main") == []
    assert dialogs == []
    await expect(page.locator("#conversation .message .block-header").first).to_have_text(
        "<script>window.pwned=1</script>"
    )


async def test_the_same_check_catches_a_renderer_that_trusts_markup(page: Page, workspace: LocalWorkspace) -> None:
    await open_page(page, workspace)
    trusting = "(text) => { document.querySelector('#hints').innerHTML = text; }"
    for payload in CORPUS[:6]:
        await page.evaluate(trusting, payload)
        assert await page.evaluate(FOREIGN, "#main") != [], payload


RENDER = """async ([name, texts]) => {
  const render = (await import(`/page/js/${name}.js`))[name];
  return texts.map((text) => {
    const box = document.createElement('div');
    box.append(...render(text));
    return box.innerHTML;
  });
}"""

MRKDWN_CASES = [
    ("a &lt;b&gt; &amp;amp; c", "a &lt;b&gt; &amp;amp; c"),
    ("*bold* _it_ ~no~", "<strong>bold</strong> <em>it</em> <s>no</s>"),
    ("*_both_*", "<strong><em>both</em></strong>"),
    ("2*3*4 a_b_c * x *", "2*3*4 a_b_c * x *"),
    ("*open\nclose*", "*open<br>close*"),
    ("`*raw* &lt;x&gt;`", "<code>*raw* &lt;x&gt;</code>"),
    ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ("<javascript:alert(1)|go>", "&lt;javascript:alert(1)|go&gt;"),
    (":nosuchname: 12:30:45", ":nosuchname: 12:30:45"),
    ("&gt; a\n&gt; b\nc", "<blockquote>a<br>b</blockquote>c"),
    ("<!date^abc^{date}|fallback>", '<time title="fallback">fallback</time>'),
]


async def test_mrkdwn_becomes_exactly_the_nodes_slack_shows(page: Page, workspace: LocalWorkspace) -> None:
    await open_page(page, workspace)
    shown = await page.evaluate(RENDER, ["mrkdwn", [text for text, _ in MRKDWN_CASES]])
    assert dict(zip((text for text, _ in MRKDWN_CASES), shown, strict=True)) == dict(MRKDWN_CASES)


MARKDOWN_CASES = [
    ("# One\n\ntext", '<h3 class="md-h1">One</h3><p>text</p>'),
    (
        "**b** _i_ ***bi*** ~~s~~ `c`",
        "<p><strong>b</strong> <em>i</em> <strong><em>bi</em></strong> <s>s</s> <code>c</code></p>",
    ),
    ("a\n- b\n  - c\n- d", "<p>a</p><ul><li>b<ul><li>c</li></ul></li><li>d</li></ul>"),
    ("3. x\n4. y", '<ol start="3"><li>x</li><li>y</li></ol>'),
    ("<b>no</b> &lt;i&gt; \\*", "<p>&lt;b&gt;no&lt;/b&gt; &lt;i&gt; *</p>"),
    ("```sh\na | b\n```", '<pre tabindex="0"><code data-language="sh">a | b</code></pre>'),
    ("[t](javascript:alert(1))", "<p><span>t</span></p>"),
    ("snake_case_name and 2 * 3 * 4", "<p>snake_case_name and 2 * 3 * 4</p>"),
    ("> q\n> *r*", "<blockquote><p>q<br><em>r</em></p></blockquote>"),
]


async def test_markdown_becomes_the_nodes_of_the_standard_and_html_stays_text(
    page: Page, workspace: LocalWorkspace
) -> None:
    await open_page(page, workspace)
    shown = await page.evaluate(RENDER, ["markdown", [text for text, _ in MARKDOWN_CASES]])
    assert dict(zip((text for text, _ in MARKDOWN_CASES), shown, strict=True)) == dict(MARKDOWN_CASES)


async def test_references_and_links_in_mrkdwn_keep_their_address_and_label(
    page: Page, workspace: LocalWorkspace
) -> None:
    text = (
        "<https://example.com/?a=1&amp;b=2|a &lt; b> <@U0BOB> <#C0OPS> <!subteam^S0SRE> <!here> <mailto:a@b.example|m>"
    )
    await workspace.post("bot_post", channel=INCIDENTS, username="Bot", text=text)
    await open_page(page, workspace)
    row = page.locator("#conversation .message").first
    await expect(row.locator(".text")).to_have_text("a < b @Bob Lindqvist #ops @sre @here m")
    first = row.locator("a").first
    await expect(first).to_have_attribute("href", "https://example.com/?a=1&b=2")
    await expect(first).to_have_attribute("rel", "noopener noreferrer")
    await row.get_by_role("button", name="#ops").click()
    await expect(page.locator("#conversation h1")).to_have_text("ops")
