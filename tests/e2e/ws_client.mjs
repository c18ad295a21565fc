// One WebSocket with Node's `ws`. Takes a folder that has it and what to do as JSON; prints what came of it as JSON.
import { createRequire } from "node:module";

const WebSocket = createRequire(`${process.argv[2]}/`)("ws");
const { url, text, ...options } = JSON.parse(process.argv[3]);
const tell = (what) => console.log(JSON.stringify(what));
const lookup = (_host, { all }, done) => (all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4));

const heard = [];
const socket = new WebSocket(url, { ...options, lookup });
socket.on("open", () => socket.send(text));
socket.on("message", (data) => {
  heard.push(data.toString());
  if (heard.length === 2) socket.close();
});
socket.on("close", () => heard.length && tell({ status: 101, heard }));
socket.on("unexpected-response", (_request, response) => {
  const parts = [];
  response.on("data", (part) => parts.push(part));
  response.on("end", () => {
    const body = Buffer.concat(parts).toString();
    tell({ status: response.statusCode, media_type: response.headers["content-type"], body });
    process.exit();
  });
});
