/** Calls the workspace's control API; every failure becomes an ApiError with a sentence a person can read. */

export class ApiError extends Error {
  constructor(code, detail, status, body) {
    super(detail || code);
    this.code = code;
    this.status = status;
    this.body = body || {};
  }
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError("network_error", "The workspace cannot be reached. Nothing was sent.", 0);
  }
  let body = {};
  try {
    body = await response.json();
  } catch {
    throw new ApiError("bad_answer", `The workspace answered ${response.status} without JSON.`, response.status);
  }
  if (!response.ok || body.ok === false) {
    throw new ApiError(body.error || `http_${response.status}`, body.detail, response.status, body);
  }
  return body;
}

function query(params) {
  const pairs = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return new URLSearchParams(pairs).toString();
}

const get = (name, params = {}) => call(`/control/${name}?${query(params)}`, { headers: { accept: "application/json" } });
const post = (name, body) => call(`/control/${name}`, {
  method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
});

export const api = {
  state: (as) => get("state", { as }),
  history: (as, channel, thread_ts) => get("history", { as, channel, thread_ts }),
  views: (as) => get("view", { as }),
  panels: () => get("panels"),
  post: (body) => post("post", body),
  slash: (body) => post("slash", body),
  click: (body) => post("click", body),
  viewSubmit: (body) => post("view_submit", body),
  viewClose: (body) => post("view_close", body),
  shortcut: (body) => post("shortcut", body),
  reaction: (body) => post("reaction", body),
  stop: (body) => post("stop", body),
  homeOpen: (body) => post("home_open", body),
};
