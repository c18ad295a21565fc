// A small Express that reads paths as it does by default. Takes a folder that has it; prints its port.
import { createRequire } from "node:module";

const express = createRequire(`${process.argv[2]}/`)("express");
const app = express();
const ran = (_request, response) => response.send("ran");

app.all("/admin/", ran);
app.all("/users/:name/email", (request, response) => (request.params.name === "@me" ? ran(request, response) : response.sendStatus(404)));
app.all("/signs/:sign/x", (request, response) => (":(!+=,$&*'{|^`[".includes(request.params.sign) ? ran(request, response) : response.sendStatus(404)));
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
