/** What a reader of the guide has to know before a snippet runs. */
export interface Values {
  /** Of the API, such as `http://127.0.0.1:3000`. */
  readonly host: string;
  /** Null on a server without keys: then the calls stay without one. */
  readonly apiKey: string | null;
  /** Of a job that has ended. */
  readonly jobId: string;
}

/** A snippet as it is run, and the answer that the guide shows below its call. */
export interface Runnable {
  readonly text: string;
  readonly shown: string | null;
}

/**
 * All that is changed in the text of a shell snippet. Besides, programs stand in for `sleep`, `watch` and the user's
 * own scripts (stand-ins.ts); nothing else differs from what the guide prints.
 */
export function toRunnableShell(text: string, { host, apiKey, jobId }: Values): Runnable {
  // An answer that is shown below its call is no command.
  const answer = /^\{\n[\s\S]*?^\}$/m;
  const shown = answer.exec(text)?.[0] ?? null;
  const authorized = /Authorization: Bearer/.test(text);
  const changed = text
    .replace(answer, '')
    // Addresses of the API, with the guide's host and without. Webhooks keep theirs.
    .replaceAll('https://your-app.com/api/', '/api/')
    .replaceAll(/(?<=\s)\/api\//g, `${host}/api/`)
    .replaceAll('YOUR_API_KEY', apiKey ?? 'YOUR_API_KEY')
    .replaceAll(/\/(?:JOB_ID|job_1234567890)\b/g, `/${jobId}`)
    // Of a line of a crontab, its command.
    .replaceAll(/^(?:[\d*/,-]+ ){5}/gm, '')
    .replaceAll('/path/to/', '');
  const keyed = apiKey === null || authorized ? changed : addKey(changed, apiKey);
  return { text: keyed, shown };
}

function addKey(text: string, apiKey: string): string {
  return text.replaceAll(/\bcurl (?=[-h])/g, `curl -H 'Authorization: Bearer ${apiKey}' `);
}

/** The paths of the API that a snippet calls, as far as they are written out: each of them must have been called. */
export function pathsIn(text: string): readonly string[] {
  const code = text.replaceAll(/^\s*(?:#|\/\/).*$/gm, '');
  return [...new Set([...code.matchAll(/(?<!\w)\/api\/[a-z/-]*[a-z]/g)].map(([path]) => path))];
}

/** The names that a JavaScript snippet declares at its top: configurations and functions. */
function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/^const (\w+) = /gm)].map(([, name = '']) => name);
}

/**
 * All that is done around a JavaScript snippet, whose own text stays as it is: relative addresses get the host, a call
 * without a key gets it, timers run at once, functions are called, and configurations are sent to the API.
 * `process.env.API_KEY` is the key in its environment.
 */
export function toRunnableJavaScript(text: string, { host, apiKey }: Omit<Values, 'jobId'>): string {
  const key = apiKey ?? 'YOUR_API_KEY';
  return `
const API_KEY = ${JSON.stringify(key)};
const underFetch = globalThis.fetch;
const fetch = (path, init = {}) => {
  const headers = new Headers(init.headers);
  if (${apiKey !== null} && !headers.has('authorization')) headers.set('authorization', 'Bearer ' + API_KEY);
  return underFetch(new URL(path, ${JSON.stringify(host)}), { ...init, headers });
};
const calls = [];
const setInterval = (work) => { calls.push(work); };
const waitForCompletion = async (id) => {
  if (!/^job_/.test(id)) throw new Error('no job id: ' + id);
  for (;;) {
    const answer = await (await fetch('/api/full-sync/status/' + id)).json();
    if (answer.completed_at !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
const sendAlert = async (title, error) => { throw new Error(title, { cause: error }); };
console.error = (...words) => { process.exitCode = 1; process.stderr.write(words.join(' ') + '\\n'); };
const submit = async (body) => {
  const answer = await fetch('/api/full-sync/execute', { method: 'POST', body: JSON.stringify(body) });
  if (answer.status !== 202) throw new Error(answer.status + ' ' + (await answer.text()));
  return await answer.json();
};
const plain = { platforms: 'smartlead,lemlist', syncMode: 'full_historical', namespaces: 'from-snippets' };

${text}

for (const work of calls) await work();
for (const value of [${namesIn(text).join(', ')}]) {
  if (calls.includes(value)) continue;
  const body = typeof value === 'function' || 'platforms' in value ? value : { ...plain, rateLimitConfig: value };
  const started = typeof value === 'function' ? await value(plain) : await submit(body);
  console.log(JSON.stringify(started));
  await waitForCompletion(started.jobId);
}
`;
}
