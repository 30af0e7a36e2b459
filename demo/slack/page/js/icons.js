/** Our own line icons, drawn as SVG nodes. */

const PATHS = {
  hash: ["M5 9h14", "M5 15h14", "M10 4 8 20", "M16 4l-2 16"],
  send: ["M4 12 20 4l-5 16-3.5-6.5Z", "M11.5 13.5 20 4"],
  reply: ["M21 12a8 8 0 0 1-8 8H4l2.2-3.3A8 8 0 1 1 21 12Z"],
  smile: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z", "M8.5 14.5s1.3 2 3.5 2 3.5-2 3.5-2", "M9 9.5h.01", "M15 9.5h.01"],
  dots: ["M6 12h.01", "M12 12h.01", "M18 12h.01"],
  close: ["M6 6l12 12", "M18 6 6 18"],
  back: ["M15 5l-7 7 7 7"],
  down: ["M6 9l6 6 6-6"],
  right: ["M9 6l6 6-6 6"],
  sun: ["M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z", "M12 2v2", "M12 20v2", "M4 12H2", "M22 12h-2", "M5 5l1.4 1.4", "M17.6 17.6 19 19",
    "M5 19l1.4-1.4", "M17.6 6.4 19 5"],
  moon: ["M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5Z"],
  auto: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z", "M12 3v18", "M12 7h6.5", "M12 12h9", "M12 17h6.5"],
  panel: ["M4 5h16v14H4Z", "M15 5v14"],
  pulse: ["M3 12h4l3-7 4 14 3-7h4"],
  stop: ["M7 7h10v10H7Z"],
  at: ["M16 12a4 4 0 1 0-8 0 4 4 0 0 0 8 0Z", "M16 12v1.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-3.5 7.1"],
  slash: ["M4 4h16v16H4Z", "M14 8l-4 8"],
  warn: ["M12 4 2.8 20h18.4Z", "M12 10v4.5", "M12 17.2h.01"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  eye: ["M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z", "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z"],
  menu: ["M4 7h16", "M4 12h16", "M4 17h16"],
  trash: ["M5 7h14", "M10 4h4", "M7 7l1 13h8l1-13", "M10.5 11v5.5", "M13.5 11v5.5"],
  file: ["M7 3h7l4 4v14H7Z", "M14 3v4h4"],
  up: ["M7 11v9H4v-9Z", "M7 11l4-7a2 2 0 0 1 2 2v4h5.5a1.5 1.5 0 0 1 1.5 1.8l-1.3 6.7a2 2 0 0 1-2 1.5H7"],
  downvote: ["M17 13V4h3v9Z", "M17 13l-4 7a2 2 0 0 1-2-2v-4H5.5A1.5 1.5 0 0 1 4 12.2l1.3-6.7a2 2 0 0 1 2-1.5H17"],
  home: ["M4 11l8-7 8 7v9h-5.5v-6h-5v6H4Z"],
  link: ["M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L11.8 7", "M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12.2 17"],
};

const SVG = "http://www.w3.org/2000/svg";

/** icon("send") -> decorative <svg>, hidden from screen readers. */
export function icon(name, size = 18) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", String(size));
  svg.setAttribute("height", String(size));
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  for (const d of PATHS[name] || []) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** The lighthouse of the Watchkeeper app: avatar and brand mark. */
export function lighthouse(size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", String(size));
  svg.setAttribute("height", String(size));
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "lighthouse");
  const shapes = [["beam", "M10 7 2 4v6Z"], ["beam", "M14 7l8-3v6Z"], ["tower", "M10 10h4l1.5 11h-7Z"],
    ["stripe", "M9.3 15h5.4l.3 2.4H9Z"], ["lamp", "M9.8 5.6h4.4V10H9.8Z"], ["tower", "M9 5.4 12 2.6l3 2.8Z"]];
  for (const [name, d] of shapes) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("class", name);
    svg.append(path);
  }
  return svg;
}
