const INTERVAL_MS = 250;
/** The exit code of a process whose terminal, or here whose launcher, has gone: 128 + SIGHUP. */
const ABANDONED = 129;

function isGone(pid: number): boolean {
  if (process.platform !== "win32") return process.ppid !== pid;
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

/**
 * Ends this process when the launcher that stands in front of it was killed without a chance to say so. A launcher
 * that became this process (`execve`) has nothing to watch.
 */
export function watchLauncher(): void {
  const pid = Number(process.env.CAPSULE_LAUNCHER);
  delete process.env.CAPSULE_LAUNCHER;
  if (!pid || pid === process.pid) return;
  setInterval(() => {
    if (isGone(pid)) process.exit(ABANDONED);
  }, INTERVAL_MS).unref();
}
