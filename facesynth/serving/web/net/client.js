/** The server's API, as facesynth.serving documents it under /docs. */

const BASE = "/api/v1";

/** An error that the server has told, as its problem document says it. */
export class Problem extends Error {
  constructor(problem, retryAfter) {
    super(problem.what ?? problem.title ?? "the server has failed");
    this.name = "Problem";
    this.status = problem.status;
    this.code = problem.code;
    this.hint = problem.hint ?? null;
    this.retryAfter = retryAfter;
  }
}

/** The token of the address' fragment, kept for this tab and taken out of the address bar; null without one. */
export function tokenOfAddress() {
  const told = new URLSearchParams(location.hash.slice(1)).get("token");
  if (told === null) return sessionStorage.getItem("token");
  sessionStorage.setItem("token", told);
  history.replaceState(null, "", location.pathname + location.search);
  return told;
}

export class Client {
  constructor(token = null) {
    this.headers = { "X-Studio-Session": crypto.getRandomValues(new Uint32Array(3)).join("-") };
    if (token) this.headers.Authorization = `Bearer ${token}`;
  }

  labels() {
    return this.#json("/labels");
  }

  weights() {
    return this.#json("/weights");
  }

  async examples() {
    return (await this.#json("/examples")).examples;
  }

  /** The file at an address of the API. */
  async file(url) {
    const answer = await this.#call(url, {});
    return answer.blob();
  }

  /** The faces of a photo, from left to right. */
  align(photo, signal) {
    return this.#json("/align", { files: { photo }, signal });
  }

  /** The label map of a face: {side, ids}. */
  async segment(face, signal) {
    const answer = await this.#post("/segment?format=raw", { files: { face }, signal });
    return { side: Number(answer.headers.get("X-Width")), ids: new Uint8Array(await answer.arrayBuffer()) };
  }

  /** What a face looks like: a style. `labels` is its label map as PNG. */
  async encode(face, labels, signal) {
    return (await this.#json("/encode", { files: { face, labels }, signal })).style;
  }

  /** Paint: {picture, labels}, a PNG and the digest of the label map it was painted from. */
  async synthesize(body, signal) {
    const answer = await this.#post("/synthesize?format=png", { body, signal });
    return { picture: await answer.blob(), labels: answer.headers.get("X-Labels") };
  }

  /** What reproduces a picture: its document. */
  async document(body) {
    const answer = await this.#post("/synthesize?format=json", { body });
    return (await answer.json()).document;
  }

  /** The photo with a painted face in it; `feather` is how soft its edge is, 0..0.5. With labels its own surroundings stay. */
  async paste(photo, face, { transform, size, labels, feather }, signal) {
    const files = { photo, face, labels };
    const fields = { transform: JSON.stringify(transform), size, feather };
    const answer = await this.#post("/paste", { files, fields, signal });
    return answer.blob();
  }

  async #json(path, request) {
    const answer = request ? await this.#post(path, request) : await this.#call(BASE + path, {});
    return answer.json();
  }

  #post(path, { files, fields = {}, body, signal }) {
    if (body) {
      const headers = { "Content-Type": "application/json" };
      return this.#call(BASE + path, { method: "POST", body: JSON.stringify(body), headers, signal });
    }
    const form = new FormData();
    for (const [name, file] of Object.entries(files)) if (file) form.append(name, file, name);
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return this.#call(BASE + path, { method: "POST", body: form, signal });
  }

  async #call(url, { headers = {}, ...request }) {
    const answer = await fetch(url, { ...request, headers: { ...this.headers, ...headers } });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({ title: answer.statusText }));
    throw new Problem({ status: answer.status, ...problem }, Number(answer.headers.get("Retry-After")) || null);
  }
}
