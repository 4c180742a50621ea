// What the page asks its server. An answer that is no answer is shown at the top of the page.

import { byId } from "./dom.js";

/** An answer that is refused, with its status and JSON. */
export class Refused extends Error {
  constructor(status, answer) {
    super(answer.problem ?? `The server answered ${status}.`);
    this.status = status;
    this.answer = answer;
  }
}

export function get(path) {
  return call(path, {});
}

export function post(path, body, signal) {
  const headers = { "content-type": "application/json" };
  return call(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name !== "AbortError") {
      complain("The workbench does not answer: is `gate workbench` still running?");
    }
    throw error;
  }
  complain("");
  const answer = await response.json();
  if (!response.ok) {
    throw new Refused(response.status, answer);
  }
  return answer;
}

/** Shows a problem that is about the page as a whole; an empty text takes it away. */
export function complain(text) {
  const broken = byId("broken");
  broken.hidden = text === "";
  broken.textContent = text;
}

/** Whether a call was only given up because a newer one was made. */
export function wasGivenUp(error) {
  return error.name === "AbortError";
}
