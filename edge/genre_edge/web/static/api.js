// Requests to the service. Its errors are problem+json; their detail says what to do.

let askForToken = () => {};

/** Sets what is called when the service needs the access token. */
export function onLoginNeeded(callback) {
  askForToken = callback;
}

export class ApiError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Returns the answer if it is OK; throws an ApiError otherwise. */
export async function checked(response) {
  if (response.ok) return response;
  let detail = response.statusText;
  try {
    detail = (await response.json()).detail;
  } catch { /* no JSON: the text of the status line is all there is */ }
  if (response.status === 401) askForToken();
  throw new ApiError(response.status, detail);
}

export async function api(path, options) {
  return (await checked(await fetch(path, options))).json();
}

export async function login(token) {
  await checked(await fetch("api/session", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }),
  }));
}

/** Yields the records of an upload, as soon as the service sends them. */
export async function* classify(file, name) {
  const response = await checked(await fetch(`api/classify?stream=1&name=${encodeURIComponent(name)}`, {
    method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file,
  }));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const record = JSON.parse(line);
      if (record.type === "error") throw new ApiError(record.status, record.detail);
      yield record;
    }
  }
}
