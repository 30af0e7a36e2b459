/** Small choices that outlive a reload (theme, drawer, what was read); a browser that forbids storage loses only comfort. */

const PREFIX = "watchkeeper-demo:";

export function recall(key, fallback = null) {
  try {
    const raw = localStorage.getItem(PREFIX + key);
    return raw === null ? fallback : JSON.parse(raw);
  } catch {
    return fallback;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Nothing to do: the choice simply holds until the reload.
  }
}
