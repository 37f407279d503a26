/* Exits with 0 when the URL it is given answers with success, else with 1: a container's health check. */
const url = process.argv[2] ?? '';

try {
  const response = await fetch(url, { signal: AbortSignal.timeout(4_000) });
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`${url}: ${error.message}\n`);
  process.exitCode = 1;
}
