"""A person can write, answer, change sides and lose the line without losing a message."""

import asyncio
import json

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from demo.slack import LocalWorkspace

from .opened import INCIDENTS, open_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_posted_message_appears_and_reaches_the_workspace(page: Page, workspace: LocalWorkspace) -> None:
    await open_page(page, workspace)
    await page.get_by_test_id("composer").fill("p99 of @watchkeeper is *high* <&>")
    await page.get_by_role("button", name="Send message").click()
    row = page.locator("#conversation .message").last
    await expect(row).to_contain_text("p99 of @Watchkeeper is high <&>")
    await expect(row.locator("strong")).to_have_text("high")
    await expect(page.get_by_test_id("composer")).to_have_value("")
    found = await workspace.get("wait", channel=INCIDENTS, contains="<@U0WATCH>")
    assert found["message"]["ts"] == await row.get_attribute("data-ts")


async def test_a_reply_stays_in_its_thread_and_is_counted_at_the_root(page: Page, workspace: LocalWorkspace) -> None:
    root = await workspace.post("post", as_="U0BOB", channel=INCIDENTS, text="Is checkout slow?")
    await open_page(page, workspace)
    row = page.locator(f'#conversation .message[data-ts="{root["ts"]}"]')
    await row.hover()
    await row.get_by_test_id("reply-in-thread").click()
    await page.get_by_test_id("thread-composer").fill("It is")
    await page.keyboard.press("Enter")
    await expect(page.locator("#thread .message").last).to_contain_text("It is")
    await expect(row.get_by_test_id("open-thread")).to_contain_text("1 reply")
    await expect(page.locator("#conversation .message")).to_have_count(1)
    assert f"thread={root['ts']}" in page.url


async def test_acting_as_someone_else_changes_the_author_and_what_can_be_seen(
    page: Page, workspace: LocalWorkspace
) -> None:
    await open_page(page, workspace, channel="C0OPS")
    await expect(page.locator("#sidebar [data-channel=C0OPS]")).to_be_visible()
    await page.locator("#topbar [data-as=U0BOB]").click()
    await expect(page.locator("#topbar [data-as=U0BOB]")).to_have_attribute("aria-pressed", "true")
    assert "as=U0BOB" in page.url
    await page.get_by_test_id("composer").fill("hello from Bob")
    await page.keyboard.press("Enter")
    await expect(page.locator("#conversation .author").last).to_have_text("Bob Lindqvist")
    await page.locator("#topbar [data-as=U0DAVE]").click()
    await expect(page.locator("#sidebar [data-channel=C0OPS]")).to_have_count(0)
    await expect(page.get_by_text("not a member of that conversation")).to_be_visible()


async def test_messages_said_while_the_line_was_down_appear_after_it_is_back(
    page: Page, workspace: LocalWorkspace
) -> None:
    await open_page(page, workspace)
    await page.context.set_offline(True)
    await page.evaluate("watchkeeperDemo.live.drop()")
    await expect(page.get_by_test_id("live-state")).not_to_have_text("Live")
    await workspace.post("post", as_="U0CAROL", channel=INCIDENTS, text="said in the dark")
    await expect(page.get_by_text("said in the dark")).to_have_count(0)
    await page.context.set_offline(False)
    await expect(page.locator("#conversation .message").last).to_contain_text("said in the dark")


async def test_a_message_that_could_not_be_sent_stays_in_the_box(page: Page, workspace: LocalWorkspace) -> None:
    await open_page(page, workspace)
    await page.route("**/control/post", lambda route: route.abort())
    await page.get_by_test_id("composer").fill("do not lose me")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="Not sent")).to_be_visible()
    await expect(page.get_by_test_id("composer")).to_have_value("do not lose me")


async def test_new_messages_elsewhere_mark_the_channel_and_are_announced_here(
    page: Page, workspace: LocalWorkspace
) -> None:
    await open_page(page, workspace)
    await workspace.post("post", as_="U0BOB", channel="C0GENERAL", text="look @alice")
    row = page.locator("#sidebar [data-channel=C0GENERAL]")
    await expect(row.locator(".badge")).to_have_text("1")
    await workspace.post("post", as_="U0BOB", channel=INCIDENTS, text="pool is *exhausted*")
    await expect(page.locator("#announcer")).to_contain_text("Bob Lindqvist: pool is exhausted")
    await row.click()
    await expect(page.locator(".divider.new")).to_be_visible()
    await expect(row.locator(".badge")).to_have_count(0)


async def test_suggestions_complete_people_and_commands_from_the_keyboard(
    page: Page, workspace: LocalWorkspace
) -> None:
    await open_page(page, workspace)
    box = page.get_by_test_id("composer")
    await box.press_sequentially("ask @wat")
    await expect(page.get_by_role("option").first).to_contain_text("Watchkeeper")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("ask @watchkeeper ")
    await box.fill("")
    await box.press_sequentially("/o")
    await expect(page.get_by_role("option").first).to_contain_text("/ops")
    await page.keyboard.press("Tab")
    await box.press_sequentially("st")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("/ops status ")


async def test_the_whole_path_to_a_reply_works_without_a_mouse(page: Page, workspace: LocalWorkspace) -> None:
    for text in ("first", "second"):
        await workspace.post("post", as_="U0BOB", channel=INCIDENTS, text=text)
    await open_page(page, workspace)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to messages")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.locator("#conversation .message").last).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("#conversation .message").first).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("thread-composer")).to_be_focused()
    await page.keyboard.type("typed only")
    await page.keyboard.press("Enter")
    await expect(page.locator("#thread .message").last).to_contain_text("typed only")
    await page.keyboard.press("Escape")
    await expect(page.locator("#thread")).to_be_hidden()
    await expect(page.locator("#conversation .message").first).to_be_focused()


async def test_the_page_holds_at_double_zoom_on_a_small_screen(page: Page, workspace: LocalWorkspace) -> None:
    await workspace.post("post", as_="U0BOB", channel=INCIDENTS, text="narrow " * 30)
    await page.set_viewport_size({"width": 360, "height": 560})
    await open_page(page, workspace)
    widths = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], json.dumps(widths)
    await page.get_by_test_id("nav-toggle").click()
    await page.locator("#sidebar [data-channel=C0GENERAL]").click()
    await expect(page.locator("#conversation h1")).to_have_text("general")


async def test_a_message_said_before_the_line_first_stood_is_not_missed(page: Page, workspace: LocalWorkspace) -> None:
    gate = asyncio.Event()

    async def hold(socket: WebSocketRoute) -> None:
        await gate.wait()
        socket.connect_to_server()

    await page.route_web_socket("**/control/live*", hold)
    await page.goto(f"{workspace.url}/?as=U0ALICE&channel={INCIDENTS}")
    await page.wait_for_selector("body[data-ready=true]")
    await expect(page.get_by_test_id("empty")).to_be_visible()
    await workspace.post("post", as_="U0BOB", channel=INCIDENTS, text="in the gap")
    gate.set()
    await expect(page.locator("#conversation .message").last).to_contain_text("in the gap")
