// The core, as WebAssembly: calls go in as JSON, and answers come out. See src/page/door.rs.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Compiles the core's bytes. */
export async function open(bytes) {
  const module = await WebAssembly.compile(bytes);
  const core = new Core(module);
  core.restart();
  return core;
}

class Core {
  #module;
  #exports;
  #rules;

  constructor(module) {
    this.#module = module;
  }

  /** Begins with fresh memory, as after an error. */
  restart() {
    this.#exports = new WebAssembly.Instance(this.#module).exports;
    if (this.#rules) this.ask({ verb: "suffixes", rules: this.#rules });
  }

  /** The answer to a call. */
  ask(call) {
    if (call.verb === "suffixes") this.#rules = call.rules;
    return JSON.parse(this.askText(JSON.stringify(call)));
  }

  /** The same, as text. */
  askText(text) {
    const { alloc, call, free, memory } = this.#exports;
    const bytes = encoder.encode(text);
    const given = alloc(bytes.length) >>> 0;
    if (!given) throw new Error("the text is too long for the memory of this page");
    new Uint8Array(memory.buffer, given, bytes.length).set(bytes);
    const answer = call(given, bytes.length) >>> 0;
    if (!answer) throw new Error("the answer is too long for the memory of this page");
    const length = new DataView(memory.buffer).getUint32(answer, true);
    const found = decoder.decode(new Uint8Array(memory.buffer, answer + 4, length));
    free(answer, length + 4);
    return found;
  }
}
