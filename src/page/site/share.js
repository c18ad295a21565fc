// What a link holds: enough to decide alike, and nothing that may be secret.

/** The settings that `django_env` reads; a .env file has others beside them. */
const SETTING = /^\s*(export\s+)?(ALLOWED_HOSTS|CORS_\w+|CSRF_TRUSTED_ORIGINS|DEBUG)\s*=/;

/** The lines of a .env file that a policy reads. */
export const settings = (text) => text.split("\n").filter((it) => SETTING.test(it)).join("\n");

/** A message without the queries of the addresses in it. */
export const withoutQueries = (text) => text.replace(/(\w:\/\/[^\s?'"’”]*)\?[^\s'"’”]*?(?=[.:)]*(?:\s|$)|['"’”])/g, "$1");

const lines = (text) => text.split("\n").filter((it) => it.trim());

/** What was typed, with what the core hides of it. In what the core gives back, the lines that were typed are the last. */
export function typed(fields, { headers = [], response = [] }) {
  const last = (own, all) => (lines(own).length ? all.slice(-lines(own).length).join("\n") : "");
  return {
    ...fields,
    path: fields.path.split("?")[0],
    headers: last(fields.headers, fields.cookies ? headers.slice(0, -1) : headers),
    response: last(fields.response, response),
  };
}
