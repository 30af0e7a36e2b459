"""Buttons, confirms, modals and agent controls, answered by a real Bolt app over Socket Mode."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack import LocalWorkspace

from .gallery import CONFIRM, Json, mrkdwn, plain
from .opened import INCIDENTS, open_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


class Bot:
    """A small app: a card with a confirmed button and a form, and a note of what it received."""

    def __init__(self, url: str) -> None:
        self.client = AsyncWebClient("xoxb-local-watchkeeper-bot", base_url=f"{url}/api/")
        self.app = AsyncApp(
            client=self.client, signing_secret="local-signing-secret-8c1f0a", logger=logging.getLogger("page-bot")
        )
        self.app.action("go")(self.approve)
        self.app.action("form")(self.open_form)
        self.app.action("more")(self.push_details)
        self.app.action("silent")(self.stay_silent)
        self.app.view("reason")(self.submit)
        self.app.shortcut("investigate_message")(self.investigate)
        self.app.event("agent_session_stopped")(self.stopped)
        self.app.event("app_home_opened")(self.home)
        self.clicks: list[Any] = []
        self.stops: list[Any] = []

    async def approve(self, ack: Any, body: Json) -> None:
        """Count the click and close the card."""
        await ack()
        self.clicks.append(body)
        blocks = [{"type": "section", "text": mrkdwn(f"Approved by <@{body['user']['id']}>")}]
        await self.client.chat_update(
            channel=INCIDENTS, ts=body["container"]["message_ts"], text="Approved", blocks=blocks
        )

    async def stay_silent(self) -> None:
        """Never acknowledge."""

    async def open_form(self, ack: Any, body: Json) -> None:
        """A modal with one required field."""
        await ack()
        element: Json = {"type": "plain_text_input", "action_id": "why"}
        view: Json = {
            "type": "modal",
            "callback_id": "reason",
            "title": plain("Reject"),
            "submit": plain("Send"),
            "blocks": [{"type": "input", "block_id": "b", "label": plain("Reason"), "element": element}],
        }
        more: Json = {"type": "button", "action_id": "more", "text": plain("Details")}
        view["blocks"].append({"type": "actions", "block_id": "c", "elements": [more]})
        await self.client.views_open(trigger_id=body["trigger_id"], view=view)

    async def push_details(self, ack: Any, body: Json) -> None:
        """A second modal on top of the first."""
        await ack()
        view = {
            "type": "modal",
            "title": plain("Details"),
            "blocks": [{"type": "section", "text": plain("All arguments")}],
        }
        await self.client.views_push(trigger_id=body["trigger_id"], view=view)

    async def submit(self, ack: Any, view: Json) -> None:
        """Refuse a short reason, publish a long one."""
        reason = view["state"]["values"]["b"]["why"]["value"]
        if len(reason) < 5:
            await ack(response_action="errors", errors={"b": "Say a little more."})
            return
        await ack()
        await self.client.chat_postMessage(channel=INCIDENTS, text=f"Rejected: {reason}")

    async def investigate(self, ack: Any, body: Json) -> None:
        """Answer a message shortcut with a note for its user only."""
        await ack()
        await self.client.chat_postEphemeral(channel=INCIDENTS, user=body["user"]["id"], text="On it.")

    async def stopped(self, event: Json) -> None:
        """Note the stop and end the session."""
        self.stops.append(event)
        await self.client.api_call(
            "agents.sessions.setStatus",
            json={"channel_id": event["channel"], "thread_ts": event["thread_ts"], "status": "closed"},
        )

    async def home(self, event: Json) -> None:
        """Publish a Home tab."""
        view = {"type": "home", "blocks": [{"type": "header", "text": plain("Nothing waits for you")}]}
        await self.client.views_publish(user_id=event["user"], view=view)

    async def card(self, action_id: str, confirm: Json | None = None) -> str:
        """Post a card with one button; gives its ts."""
        button: Json = {"type": "button", "action_id": action_id, "text": plain("Approve"), "value": "a1"}
        button |= {"confirm": confirm} if confirm else {}
        blocks: list[Json] = [{"type": "actions", "block_id": "card", "elements": [button]}]
        return (await self.client.chat_postMessage(channel=INCIDENTS, text="A card", blocks=blocks))["ts"] or ""


@pytest_asyncio.fixture(loop_scope="session")
async def bot(workspace: LocalWorkspace) -> AsyncIterator[Bot]:
    """The app, connected."""
    running = Bot(workspace.url)
    handler = AsyncSocketModeHandler(running.app, "xapp-local-watchkeeper-app", web_client=running.client)
    await handler.connect_async()
    yield running
    await handler.close_async()
    await asyncio.sleep(0)


async def test_a_button_asks_first_and_only_a_yes_reaches_the_app(
    page: Page, workspace: LocalWorkspace, bot: Bot
) -> None:
    ts = await bot.card("go", CONFIRM)
    await open_page(page, workspace)
    row = page.locator(f'#conversation .message[data-ts="{ts}"]')
    button = row.locator("[data-action-id=go]")
    await button.click()
    await expect(page.get_by_role("alertdialog", name="Restart checkout in prod?")).to_be_visible()
    await expect(page.get_by_test_id("confirm-deny")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("confirm")).to_have_count(0)
    await expect(button).to_be_focused()
    assert bot.clicks == []
    await button.click()
    await page.get_by_test_id("confirm-yes").click()
    await expect(row).to_contain_text("Approved by @Alice Moreno")
    assert [click["user"]["id"] for click in bot.clicks] == ["U0ALICE"]


async def test_a_confirm_the_page_did_not_know_of_is_still_asked(
    page: Page, workspace: LocalWorkspace, bot: Bot
) -> None:
    ts = await bot.card("go")
    await open_page(page, workspace)
    await page.route("**/control/live*", lambda route: route.abort())
    refused = {"ok": False, "error": "confirm_required", "confirm": CONFIRM}

    async def refuse_once(route: Any) -> None:
        if route.request.post_data_json.get("confirmed"):
            await route.continue_()
        else:
            await route.fulfill(status=409, json=refused)

    await page.route("**/control/click", refuse_once)
    await page.locator(f'.message[data-ts="{ts}"] [data-action-id=go]').click()
    await page.get_by_test_id("confirm-yes").click()
    await expect(page.locator("#conversation .message").last).to_contain_text("Approved by")


async def test_a_modal_shows_its_error_keeps_the_input_and_then_closes(
    page: Page, workspace: LocalWorkspace, bot: Bot
) -> None:
    await bot.card("form")
    await open_page(page, workspace)
    await page.locator("[data-action-id=form]").click()
    dialog = page.get_by_role("dialog", name="Reject")
    await expect(dialog.get_by_label("Reason")).to_be_focused()
    await page.get_by_test_id("view-submit").click()
    await expect(dialog.locator(".input-error")).to_contain_text("Please complete this required field.")
    await dialog.get_by_label("Reason").fill("no")
    await page.keyboard.press("Enter")
    await expect(dialog.locator(".input-error")).to_contain_text("Say a little more.")
    await expect(dialog.get_by_label("Reason")).to_have_value("no")
    await dialog.get_by_label("Reason").fill("not during the sale")
    await page.get_by_test_id("view-submit").click()
    await expect(dialog).to_have_count(0)
    await expect(page.locator("#conversation .message").last).to_contain_text("Rejected: not during the sale")


async def test_going_back_from_a_pushed_modal_finds_the_input_again(
    page: Page, workspace: LocalWorkspace, bot: Bot
) -> None:
    await bot.card("form")
    await open_page(page, workspace)
    await page.locator("[data-action-id=form]").click()
    await page.get_by_label("Reason").fill("half a thought")
    await page.locator("[data-action-id=more]").click()
    await expect(page.get_by_role("dialog", name="Details")).to_contain_text("All arguments")
    await page.get_by_role("button", name="Back").click()
    await expect(page.get_by_label("Reason")).to_have_value("half a thought")
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("view")).to_have_count(0)
    assert (await workspace.get("view", **{"as": "U0ALICE"}))["views"] == []


async def test_a_click_that_nobody_acknowledges_ends_in_a_warning_mark(
    page: Page, workspace: LocalWorkspace, bot: Bot
) -> None:
    await bot.card("silent")
    await open_page(page, workspace)
    button = page.locator("[data-action-id=silent]")
    await button.click()
    await expect(button).to_have_attribute("aria-busy", "true")
    await expect(page.locator(".failed-mark")).to_contain_text("did not answer within 3 seconds")
    await expect(button).not_to_have_attribute("aria-busy", "true")


async def test_a_message_shortcut_answers_only_the_person_who_used_it(
    page: Page, workspace: LocalWorkspace, bot: Bot
) -> None:
    await workspace.post("bot_post", channel=INCIDENTS, username="Alertmanager", text="Firing")
    await open_page(page, workspace)
    row = page.locator("#conversation .message").first
    await row.focus()
    await page.keyboard.press(".")
    await expect(page.get_by_role("menuitem", name="Investigate this")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#conversation .message.ephemeral")).to_contain_text("On it.")
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    await page.locator("#topbar [data-as=U0BOB]").click()
    await expect(page.locator("#topbar [data-as=U0BOB]")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#conversation .message")).to_have_count(1)


async def test_a_working_agent_shows_its_status_and_can_be_stopped(
    page: Page, workspace: LocalWorkspace, bot: Bot
) -> None:
    root = (await workspace.post("post", as_="U0ALICE", channel=INCIDENTS, text="why?"))["ts"]
    await open_page(page, workspace, thread=root)
    where = {"channel_id": INCIDENTS, "thread_ts": root}
    await bot.client.api_call("agents.sessions.setStatus", json=where | {"status": "processing", "title": "Checkout"})
    await bot.client.assistant_threads_setStatus(**where, status="is reading metrics…")
    await expect(page.locator("#thread .status-line")).to_contain_text("Watchkeeper is reading metrics…")
    stream = await bot.client.chat_startStream(
        channel=INCIDENTS,
        thread_ts=root,
        recipient_team_id="T00WATCH",
        recipient_user_id="U0ALICE",
        markdown_text="**Pool** is",
    )
    await expect(page.locator("#thread .message.streaming strong")).to_have_text("Pool")
    await bot.client.chat_appendStream(channel=INCIDENTS, ts=stream["ts"] or "", markdown_text=" exhausted")
    await expect(page.locator("#thread .message.streaming")).to_contain_text("Pool is exhausted")
    await page.get_by_test_id("stop").click()
    await expect(page.locator("#thread .message.streaming")).to_have_count(0)
    await expect(page.get_by_test_id("session")).to_contain_text("Closed")
    assert bot.stops[0]["thread_ts"] == root


async def test_the_home_tab_shows_what_the_app_published(page: Page, workspace: LocalWorkspace, bot: Bot) -> None:
    await open_page(page, workspace)
    await page.locator("#sidebar [data-app=A0WATCH]").click()
    await expect(page.locator("#app-page .home-view")).to_contain_text("Nothing waits for you")
    await page.get_by_role("tab", name="Messages").click()
    await page.get_by_test_id("app-composer").fill("hello there")
    await page.keyboard.press("Enter")
    await expect(page.locator("#app-page .message").last).to_contain_text("hello there")
