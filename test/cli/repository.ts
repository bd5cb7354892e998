/** A small git repository with one driver, for tests of commits and of the send-email hook. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const GAUGE = 'drivers/gauge/gauge.c';

const HEADER = `struct gauge {
	spinlock_t lock;
	int limit;
	int value;
};

static inline void gauge_wait(struct gauge *g)
{
	msleep(10);
}
`;

const DRIVER = `#include "gauge.h"

int gauge_show(struct gauge *g)
{
	int value;

	spin_lock(&g->lock);
	value = g->value;
	spin_unlock(&g->lock);
	return value;
}

int gauge_store(struct gauge *g, int value)
{
	spin_lock(&g->lock);
	g->value = value;
	spin_unlock(&g->lock);
	return 0;
}
`;

type Edit = (text: string) => string;

/** A return path that leaves the lock held. */
export const LIMIT: Edit = text => text.replace('\tg->value = value;', '\tif (value > g->limit)\n\t\treturn -EINVAL;\n\tg->value = value;');
/** A sleep under the lock, that only the header shows; and lines above, which move what the other edit added. */
export const WAIT: Edit = text =>
  text.replace('\tg->value = value;', '\tgauge_wait(g);\n\tg->value = value;').replace('"gauge.h"\n', '"gauge.h"\n\n/* The gauge of the tank. */\n');
/** Nothing to find. */
export const CLEAN: Edit = text => `${text}\n/* The end. */\n`;

/** Makes a repository with the driver in it; gives its folder. */
export function repository(folder: string): string {
  mkdirSync(join(folder, 'drivers/gauge'), { recursive: true });
  git(folder, 'init', '-q', '-b', 'main');
  git(folder, 'config', 'user.name', 'author');
  git(folder, 'config', 'user.email', 'author@example.org');
  writeFileSync(join(folder, 'Kconfig'), '');
  writeFileSync(join(folder, GAUGE), DRIVER);
  writeFileSync(join(folder, 'drivers/gauge/gauge.h'), HEADER);
  commit(folder, 'gauge: a driver');
  return folder;
}

export function edit(folder: string, change: Edit): void {
  const before = readFileSync(join(folder, GAUGE), 'utf8');
  const after = change(before);
  if (after === before) throw new Error('the edit changes nothing');
  writeFileSync(join(folder, GAUGE), after);
}

export function commit(folder: string, title: string): void {
  git(folder, 'add', '-A');
  git(folder, 'commit', '-q', '-m', title);
}

/** A git command of the test's own; gives what it prints, throws where it fails. */
export function git(folder: string, ...args: string[]): string {
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'author',
    GIT_AUTHOR_EMAIL: 'author@example.org',
  };
  const committer = { GIT_COMMITTER_NAME: 'author', GIT_COMMITTER_EMAIL: 'author@example.org' };
  const done = spawnSync('git', args, { cwd: folder, encoding: 'utf8', env: { ...env, ...committer } });
  if (done.status !== 0) throw new Error(`git ${args.join(' ')}: ${done.stderr}`);
  return done.stdout.trimEnd();
}
