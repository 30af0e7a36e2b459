/** Builds DOM nodes from values; the only way this page creates elements, so untrusted text can never become markup. */

const SAFE_SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);

function appendChildren(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

function applyProps(node, props) {
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") node.className = value;
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key === "on") for (const [name, handler] of Object.entries(value)) node.addEventListener(name, handler);
    else if (key === "style") for (const [name, setting] of Object.entries(value)) node.style.setProperty(name, setting);
    else if (key === "value" || key === "checked" || key === "selected" || key === "disabled") node[key] = value;
    else if (key.startsWith("on") || key === "srcdoc") throw new Error(`refused attribute ${key}`);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
}

/** h("p", {class: "x"}, "text", node) -> Element. Strings become text nodes. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  applyProps(node, props || {});
  appendChildren(node, children);
  return node;
}

/** Replaces every child of `node`. */
export function fill(node, ...children) {
  node.replaceChildren();
  appendChildren(node, children);
  return node;
}

/** An absolute or same-origin address with a harmless scheme, else null. */
export function safeUrl(raw) {
  try {
    const url = new URL(String(raw), window.location.href);
    return SAFE_SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** An address an <img> may load: http(s) only, else null. */
export function imageUrl(raw) {
  if (!raw) return null;
  const url = safeUrl(raw);
  return url && url.startsWith("http") ? url : null;
}

/** A link that opens elsewhere, or its plain label when the address is not one we follow. */
export function link(raw, ...label) {
  const href = safeUrl(raw);
  if (!href) return h("span", {}, ...label);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...label);
}

let counter = 0;

/** A document-unique id for aria wiring. */
export function uniqueId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** Calls `run` at most once a frame. */
export function oncePerFrame(run) {
  let queued = false;
  return () => {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => { queued = false; run(); });
  };
}
