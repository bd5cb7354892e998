// `show --json` on a large mbox beside `git mailsplit` and python3's mailbox and email with every body decoded.
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { root } from '../prepare.mjs';
import { cost, median } from './measure.mjs';

const PYTHON = `
import email, email.policy, mailbox, sys
count = 0
for message in mailbox.mbox(sys.argv[1], factory=email.message_from_binary_file):
    count += 1
    for part in message.walk():
        if not part.is_multipart():
            body = part.get_payload(decode=True)
print(count)
`;

/** Real threads, repeated under new message-ids until the file has the size. */
function make(path, threads, megabytes) {
  const file = openSync(path, 'w');
  let size = 0;
  for (let copy = 0; size < megabytes * 1e6; copy++) {
    for (const thread of threads) {
      if (size >= megabytes * 1e6) break;
      const text =
        copy === 0
          ? thread
          : Buffer.from(
              thread
                .toString('latin1')
                .replace(/^((?:message-id|in-reply-to|references):(?:.|\n[ \t])*)/gim, head => head.replaceAll('@', `.${copy}@`)),
              'latin1',
            );
      size += writeSync(file, text);
    }
  }
  closeSync(file);
}

export async function run() {
  const folder = process.env.MBOXES ?? join(root, '../shared/corpus/mail/real/lore');
  if (!existsSync(folder)) {
    process.stdout.write('a large mbox: no folder of *.mbox.gz to make it from (MBOXES may name one)\n');
    return;
  }
  const threads = readdirSync(folder)
    .filter(name => name.endsWith('.mbox.gz'))
    .sort()
    .map(name => gunzipSync(readFileSync(join(folder, name))));
  const work = mkdtempSync(join(tmpdir(), 'fencepost-bench-'));
  try {
    for (const megabytes of (process.env.MEGABYTES ?? '200').split(',').map(Number)) {
      const mbox = join(work, 'big.mbox');
      make(mbox, threads, megabytes);
      const runners = [
        { name: 'fencepost show --json', command: [process.execPath, join(root, 'dist/cli.js'), 'show', '--json', mbox] },
        { name: 'python3 mailbox + email', command: ['python3', '-c', PYTHON, mbox] },
        {
          name: 'git mailsplit --mboxrd',
          command: ['sh', '-c', 'rm -rf "$2"; mkdir "$2"; git mailsplit --mboxrd -o"$2" "$1"', 'sh', mbox, join(work, 'split')],
        },
      ].map(r => ({ ...r, costs: [] }));
      for (let round = 0; round < Number(process.env.ROUNDS ?? 3); round++) {
        for (const r of runners) {
          const spent = cost(r.command);
          if (spent) r.costs.push(spent);
        }
      }
      process.stdout.write(
        `an mbox of ${(statSync(mbox).size / 1e6).toFixed(0)} MB, in turn; seconds of user CPU and of wall time, peak MB, medians\n`,
      );
      const user = r => median(r.costs.map(c => c.user));
      for (const r of runners.filter(x => x.costs.length > 0)) {
        const numbers = [user(r).toFixed(2), median(r.costs.map(c => c.wall)).toFixed(2), median(r.costs.map(c => c.peak)).toFixed(0)].map(t =>
          t.padStart(7),
        );
        const failed = r.costs.some(c => c.status !== 0) ? '  FAILED' : '';
        process.stdout.write(
          `  ${r.name.padEnd(26)} user ${numbers[0]}  wall ${numbers[1]}  peak ${numbers[2]}  fencepost / this ${(user(runners[0]) / user(r)).toFixed(2)}${failed}\n`,
        );
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
