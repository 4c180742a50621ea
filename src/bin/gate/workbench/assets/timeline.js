// Draws a run over time: attempts, jobs, gates with their approvals, and where the policy was asked.

import { element, svg } from "./dom.js";

const NAMES_WIDTH = 170;
const NAME_CHARS = 20;
const HEAD = 46;
const ROW = 24;
const BAR = 16;
const EDGE = 14;
const ATTEMPT_WIDTH = 66;
const REVIEWS_MAX = 12;
/** Narrower, a word does not fit into a bar. */
const WORD_WIDTH = 7;

const SAID = { pass: "let in", wait: "made to wait", fail: "stopped", error: "made to wait: the policy failed" };
const OPEN = ["waiting", "under_way"];
const FAILED = ["failure", "timed_out", "startup_failure", "action_required"];

export function drawTimeline(place, timeline, outcome) {
  const width = Math.max(320, place.clientWidth);
  const reviews = timeline.reviews.slice(0, REVIEWS_MAX);
  const bottom = HEAD + timeline.lanes.length * ROW;
  const height = bottom + (reviews.length > 0 ? (reviews.length + 1) * ROW : 0) + 8;
  const x = (position) => NAMES_WIDTH + (position / timeline.width) * (width - NAMES_WIDTH - EDGE);
  const words = description(timeline, outcome);
  const drawing = svg(
    "svg",
    { role: "img", "aria-label": words.join(". "), viewBox: `0 0 ${width} ${height}`, height },
    ...attempts(timeline, x, bottom),
    ...timeline.lanes.flatMap((lane, at) => laneOf(lane, HEAD + at * ROW, x, width)),
    ...asked(timeline, outcome, x, bottom),
    ...reviewsOf(reviews, bottom),
  );
  const before = place.querySelector("details");
  const text = element(
    "details",
    { open: before?.open ?? false },
    element("summary", {}, "The same in words"),
    element("ol", {}, ...words.map((line) => element("li", {}, line))),
  );
  place.replaceChildren(drawing, text);
}

/** Everything that the drawing shows. */
function description(timeline, outcome) {
  const more = timeline.omitted > 0 ? [`${timeline.omitted} more jobs`] : [];
  const reviews = timeline.reviews.map((review, at) => `review ${at + 1}: ${review.words}`);
  const approvals = timeline.lanes
    .filter((lane) => lane.approvals.length > 0)
    .map((lane) => `${lane.name} has the approvals ${lane.approvals.join(", ")}`);
  const end = timeline.asked === null ? [] : [`${timeline.asked.words}, and ${SAID[outcome] ?? "not decided"}`];
  const span = timeline.ends === null ? ["The input has no times"] : [`From ${timeline.ends[0]} to ${timeline.ends[1]}`];
  return [...span, ...timeline.attempts.map((mark) => mark.words), ...timeline.lanes.map((lane) => lane.words), ...more, ...reviews, ...approvals, ...end];
}

function attempts(timeline, x, bottom) {
  // Those that are close stand on two lines; where even that is too narrow, the line alone says it.
  const free = [-Infinity, -Infinity];
  return timeline.attempts.flatMap((mark, at) => {
    const place = x(mark.position);
    const isLate = mark.position > timeline.width * 0.8;
    const line = svg("line", { class: "attempt", x1: place, x2: place, y1: 18, y2: bottom }, svg("title", {}, mark.words));
    if (place < free[at % 2]) {
      return [line];
    }
    free[at % 2] = place + ATTEMPT_WIDTH;
    const words = { class: "quiet", x: place + (isLate ? -3 : 3), y: at % 2 === 0 ? 26 : 40, "text-anchor": isLate ? "end" : "start" };
    return [line, svg("text", words, mark.words.split(",")[0], svg("title", {}, mark.words))];
  });
}

function laneOf(lane, top, x, width) {
  const middle = top + ROW / 2 + 4;
  const start = x(lane.start);
  const length = Math.max(3, x(lane.end) - start);
  const isOpen = OPEN.includes(lane.state);
  const kind = isOpen ? "open" : lane.state === "success" ? "success" : FAILED.includes(lane.state) ? "failure" : "";
  const state = lane.state.replaceAll("_", " ");
  const name = lane.name.length > NAME_CHARS ? `${lane.name.slice(0, NAME_CHARS - 1)}…` : lane.name;
  const fits = length > state.length * WORD_WIDTH + 10;
  const isLate = start + length + state.length * WORD_WIDTH + 8 > width;
  const word = fits
    ? { x: start + 6, class: isOpen ? "" : "in-bar" }
    : { x: isLate ? start - 5 : start + length + 5, class: "quiet", "text-anchor": isLate ? "end" : "start" };
  return [
    svg("line", { class: "grid", x1: 0, x2: width, y1: top + ROW, y2: top + ROW }),
    svg("text", { x: 0, y: middle, class: lane.is_gate ? "gate" : "" }, name, svg("title", {}, lane.words)),
    ...lane.approvals.flatMap((number, at) => numbered(number, NAMES_WIDTH - 14 - (lane.approvals.length - 1 - at) * 20, top + ROW / 2)),
    svg("rect", { class: `bar ${kind}`, x: start, y: top + (ROW - BAR) / 2, width: length, height: BAR, rx: 3 }, svg("title", {}, lane.words)),
    svg("text", { ...word, y: middle }, state),
  ];
}

/** A review, by its number. */
function numbered(number, x, y) {
  return [
    svg("circle", { class: "number", cx: x, cy: y, r: 8.5 }),
    svg("text", { x, y: y + 4, "text-anchor": "middle" }, `${number}`),
  ];
}

function asked(timeline, outcome, x, bottom) {
  if (timeline.asked === null) {
    return [];
  }
  const at = x(timeline.asked.position);
  const isLate = timeline.asked.position > timeline.width / 2;
  return [
    svg("line", { class: `asked ${outcome ?? ""}`, x1: at, x2: at, y1: 4, y2: bottom }),
    svg("text", { class: `said ${outcome ?? ""}`, x: at + (isLate ? -6 : 6), y: 12, "text-anchor": isLate ? "end" : "start" }, `${timeline.asked.words}: ${SAID[outcome] ?? "not decided"}`),
  ];
}

function reviewsOf(reviews, top) {
  if (reviews.length === 0) {
    return [];
  }
  const head = svg("text", { class: "quiet", x: 0, y: top + ROW - 6 }, "Reviews in GitHub’s order; it gives no times");
  const rows = reviews.flatMap((review, at) => {
    const y = top + ROW * (at + 1) + ROW / 2;
    return [...numbered(at + 1, 10, y), svg("text", { x: 26, y: y + 4 }, review.words)];
  });
  return [head, ...rows];
}
