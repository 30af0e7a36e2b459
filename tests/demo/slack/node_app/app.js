// An ordinary Bolt for JavaScript app: only slackApiUrl and socketModeReceiver's URL differ from production.
import bolt from "@slack/bolt";

const { App, LogLevel } = bolt;
const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  logLevel: LogLevel.WARN,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
});

const card = [
  { type: "section", text: { type: "mrkdwn", text: "*Restart checkout?*" } },
  { type: "actions", block_id: "verdict", elements: [
    { type: "button", action_id: "deny", text: { type: "plain_text", text: "Deny" }, value: "r-1" }] },
];

app.event("app_mention", async ({ event, say }) => {
  await say({ text: "Restart checkout?", blocks: card, thread_ts: event.thread_ts ?? event.ts });
});

app.command("/node", async ({ ack, command, respond }) => {
  await ack(`Working on ${command.text}`);
  await respond({ text: "Done", response_type: "in_channel" });
});

app.action("deny", async ({ ack, body, client }) => {
  await ack();
  await client.views.open({
    trigger_id: body.trigger_id,
    view: {
      type: "modal", callback_id: "reason_modal", private_metadata: `${body.channel.id} ${body.message.ts}`,
      title: { type: "plain_text", text: "Why?" }, submit: { type: "plain_text", text: "Send" },
      blocks: [{ type: "input", block_id: "reason", label: { type: "plain_text", text: "Reason" },
        element: { type: "plain_text_input", action_id: "text" } }],
    },
  });
});

app.view("reason_modal", async ({ ack, body, view, client }) => {
  const reason = view.state.values.reason.text.value;
  if (reason.length < 5) {
    await ack({ response_action: "errors", errors: { reason: "Say more." } });
    return;
  }
  await ack();
  const [channel, ts] = view.private_metadata.split(" ");
  await client.chat.update({ channel, ts, text: `Denied by <@${body.user.id}>: ${reason}`, blocks: [] });
  await client.filesUploadV2({ channel_id: channel, thread_ts: ts, filename: "reason.txt", content: reason,
    initial_comment: "The reason, kept" });
});

app.event("app_home_opened", async ({ event, client }) => {
  await client.views.publish({ user_id: event.user, view: { type: "home", blocks: [
    { type: "section", text: { type: "mrkdwn", text: `Hello <@${event.user}>` } }] } });
});

await app.start();
console.log("ready");
