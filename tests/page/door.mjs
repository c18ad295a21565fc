// The page's core in Node: a call on each line of standard input, its answer on a line of standard output.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { open } = await import(pathToFileURL(`${folder}/core.js`));
const core = await open(readFileSync(`${folder}/page.wasm`));
core.ask({ verb: "suffixes", rules: readFileSync(`${folder}/suffixes.txt`, "utf8") });
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${core.askText(line)}\n`);
}
