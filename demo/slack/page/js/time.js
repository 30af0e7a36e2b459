/** Formats Slack timestamps and <!date^…> tokens in the reader's own time zone. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const clockSeconds = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium", hour12: false });

/** "1700000000.000100" -> Date */
export const dateOf = (ts) => new Date(Number(ts) * 1000);
export const clockTime = (ts) => clock.format(dateOf(ts));
export const fullTime = (ts) => full.format(dateOf(ts));

function dayDistance(date) {
  const start = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  return Math.round((start(date) - start(new Date())) / 86400000);
}

const NEAR_DAYS = { "-1": "Yesterday", "0": "Today", "1": "Tomorrow" };
const format = (date, options) => new Intl.DateTimeFormat("en-GB", options).format(date);

/** "Today", "Yesterday" or "Monday 3 March" */
export function dayLabel(ts) {
  const date = dateOf(ts);
  return NEAR_DAYS[dayDistance(date)] || format(date, { weekday: "long", day: "numeric", month: "long" });
}

/** "just now", "4 min ago", "2 h ago", then a clock or date. */
export function agoLabel(ts) {
  const seconds = Date.now() / 1000 - Number(ts);
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  return `${dayLabel(ts)} ${clockTime(ts)}`;
}

const plain = {
  date_num: (d) => `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`,
  date_slash: (d) => format(d, { day: "2-digit", month: "2-digit", year: "numeric" }),
  date: (d) => format(d, { day: "numeric", month: "long", year: "numeric" }),
  date_short: (d) => format(d, { day: "numeric", month: "short", year: "numeric" }),
  date_long: (d) => format(d, { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
  time: (d) => clock.format(d),
  time_secs: (d) => clockSeconds.format(d),
  ago: (d) => agoLabel(d.getTime() / 1000),
};

/** "{date_short_pretty} {time}" and epoch seconds -> text; null when the epoch is no number. */
export function formatDateToken(epoch, pattern) {
  const date = new Date(Number(epoch) * 1000);
  if (Number.isNaN(date.getTime()) || !String(epoch).trim()) return null;
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => {
    const base = name.replace("_pretty", "");
    if (name.endsWith("_pretty") && NEAR_DAYS[dayDistance(date)]) return NEAR_DAYS[dayDistance(date)].toLowerCase();
    return plain[base] ? plain[base](date) : whole;
  });
}
