// Puts the page together.

import { All } from "./all.js";
import { complain, get } from "./api.js";
import { Bench } from "./bench.js";
import { byId } from "./dom.js";
import { Editor } from "./editor.js";
import { startKeys, startTabs } from "./keys.js";
import { startList, step } from "./list.js";
import { Saving } from "./save.js";
import { Selected } from "./selected.js";

async function start() {
  const bench = new Bench(await get("state"));
  const policy = new Editor(byId("policy-editor"), () => bench.tell("text"));
  policy.set(bench.policy.text);
  const saving = new Saving(bench, policy);
  new Selected(bench, policy);
  new All(bench, policy);
  startTabs(bench);
  startKeys(bench, saving);
  startList(bench);
  step(bench, 0);
}

start().catch((error) => complain(error.message));
