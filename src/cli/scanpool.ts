import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { grammar } from './grammar.ts';
import { reasonOf } from './reason.ts';
import { type Job, type Reported, type ScanOptions, scanner } from './scanfile.ts';

/** Fewer files are scanned sooner by one thread than by several that each load the grammar. */
const FEWEST_PER_THREAD = 8;
/** Reports that wait for that of an earlier file; memory is bounded by them, however many files there are. */
const MOST_WAITING = 256;

/** Scans all files, on all cores; tells of each in the order of the jobs. */
export async function scanAll(jobs: Job[], options: ScanOptions, tell: (job: Job, reported: Reported) => void): Promise<void> {
  const threads = Math.min(availableParallelism(), Math.floor(jobs.length / FEWEST_PER_THREAD));
  if (threads >= 2) return scanOn(threads, jobs, options, tell);
  const one = scanner(options, await grammar(jobs.length <= 2));
  for (const job of jobs) tell(job, one(job));
}

/** The scan of one file on a thread of its own, or the end of that thread. */
/** Room for what lives no longer than one file: with V8's own, smaller room it would be copied to the old objects first. */
const YOUNG_MEGABYTES = 96;

interface Hand {
  worker: Worker;
  at: number;
}

function scanOn(threads: number, jobs: Job[], options: ScanOptions, tell: (job: Job, reported: Reported) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiting = new Map<number, Reported>();
    const idle: Hand[] = [];
    const all = new Set<Hand>();
    let [next, told] = [0, 0];
    const give = () => {
      while (idle.length > 0 && next < jobs.length && next - told < MOST_WAITING) {
        const hand = idle.pop();
        if (!hand) return;
        hand.at = next++;
        hand.worker.postMessage(jobs[hand.at]);
      }
    };
    const take = (at: number, reported: Reported) => {
      waiting.set(at, reported);
      for (let ready = waiting.get(told); ready; ready = waiting.get(told)) {
        waiting.delete(told);
        const job = jobs[told++];
        if (job) tell(job, ready);
      }
      if (told < jobs.length) return;
      for (const hand of all) void hand.worker.terminate();
      resolve();
    };
    const start = () => {
      // The command itself is also what its threads run: see main.ts.
      const hand: Hand = {
        worker: new Worker(new URL(import.meta.url), {
          argv: [THREAD],
          workerData: options,
          resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
        }),
        at: -1,
      };
      all.add(hand);
      idle.push(hand);
      hand.worker.on('message', (reported: Reported) => {
        idle.push(hand);
        take(hand.at, reported);
        give();
      });
      hand.worker.on('error', error => {
        all.delete(hand);
        const at = idle.indexOf(hand);
        // A thread that ends before its first file would end before every other.
        if (at >= 0) return reject(error);
        // A file that takes more memory than a thread may have costs that thread, not the scan.
        start();
        take(hand.at, { error: reasonOf(error) });
        give();
      });
    };
    for (let i = 0; i < threads; i++) start();
    give();
  });
}

/** What a thread is called with: asking its first argument first, a run without threads does not load Node's module of them. */
const THREAD = 'scan-thread';

/** True in a thread that `scanAll` has started. */
export const isScanThread = process.argv[2] === THREAD && !isMainThread;

/** What such a thread does: scans what it is sent, until it is ended. */
export async function scanThread(): Promise<void> {
  const one = scanner(workerData, await grammar(false));
  parentPort?.on('message', (job: Job) => parentPort?.postMessage(one(job)));
}
