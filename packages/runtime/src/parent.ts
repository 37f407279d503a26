const checkEveryMs = 1000;

/**
 * Calls `onGone` once when the process that started this one is gone: its IPC channel closes, or the process named by
 * `FULL_SYNC_PARENT_PID` has died. Without either there is no parent to watch. Returns how to stop watching.
 */
export function watchParent(onGone: (how: string) => void, env: NodeJS.ProcessEnv = process.env): () => void {
  const onDisconnect = (): void => onGone('the channel to the parent closed');
  if (process.connected) process.once('disconnect', onDisconnect);

  const pid = Number(env['FULL_SYNC_PARENT_PID']);
  let timer: NodeJS.Timeout | undefined;
  if (Number.isInteger(pid) && pid > 1) {
    timer = setInterval(() => {
      if (isRunning(pid)) return;
      clearInterval(timer);
      onGone('the parent process is gone');
    }, checkEveryMs);
    timer.unref();
  }
  return () => {
    process.off('disconnect', onDisconnect);
    clearInterval(timer);
  };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, under another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
