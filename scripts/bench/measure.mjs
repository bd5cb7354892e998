// What a command costs, as the system counts it.
import { spawnSync } from 'node:child_process';

/** The middle value. */
export function median(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
}

const CHILD = `
import json, resource, subprocess, sys, time
start = time.monotonic()
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"status": status, "wall": time.monotonic() - start, "user": used.ru_utime, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}))
`;

/** User CPU, user and system CPU, and wall time in seconds and peak memory in MB of a command, counted by python3; null where there is no python3. */
export function cost(command, { cwd } = {}) {
  const done = spawnSync('python3', ['-c', CHILD, ...command], { encoding: 'utf8', cwd });
  return done.status === 0 ? JSON.parse(done.stdout) : null;
}
