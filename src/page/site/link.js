// The state of the page in the part of its address that browsers send nowhere: the fragment.

const text = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (it) => it.charCodeAt(0));

const through = async (data, stream) =>
  new Uint8Array(await new Response(new Blob([data]).stream().pipeThrough(stream)).arrayBuffer());

/** So much is read of a link; a policy that is larger is none that somebody pasted. */
const LONGEST = 4_000_000;

/** A fragment that holds a state. */
export async function write(state) {
  const data = await through(new TextEncoder().encode(JSON.stringify(state)), new CompressionStream("deflate-raw"));
  let all = "";
  for (let at = 0; at < data.length; at += 0x6000) all += text(data.subarray(at, at + 0x6000));
  return `#1.${all}`;
}

/** The state that a fragment holds; nothing if it holds none. */
export async function read(fragment) {
  if (!fragment.startsWith("#1.")) return undefined;
  try {
    const stream = new Blob([bytes(fragment.slice(3))]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const parts = [];
    let size = 0;
    for (const reader = stream.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > LONGEST) return undefined;
      parts.push(value);
    }
    const state = JSON.parse(await new Blob(parts).text());
    return state && typeof state === "object" ? state : undefined;
  } catch {
    return undefined;
  }
}
