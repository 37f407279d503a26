/*
 * Loaded before a program (`node --import`) that must not outlive the process that started it, whatever way that one
 * ends. It asks the system who the parent is: a pipe or a channel would be inherited by grandchildren.
 */
const parent = process.ppid;
const GRACE_MS = 40_000;

const watch = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(watch);
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS).unref();
}, 250);
watch.unref();
