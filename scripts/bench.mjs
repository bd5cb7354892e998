// `npm run bench [-- start|mbox|litmus|house]`: fencepost beside its peers, run in turn, so that the machine's mood hits all alike; `house` counts
// what stands in the sources.
// `npm run bench -- metamorphic`: how far examples of rules keep their verdict where the same program is written otherwise.
// `npm run bench -- parse TREE`: how many functions of a kernel tree the grammar can't read.
// `npm run bench -- view LABELS FOLDER`: how much of the code near labelled places is understood.
import { build, install } from './prepare.mjs';

const [which, ...args] = process.argv.slice(2);
install();
if (which !== 'house') await build();
if (which === undefined || which === 'start') await (await import('./bench/start.mjs')).run();
if (which === undefined || which === 'mbox') await (await import('./bench/mbox.mjs')).run();
if (which === undefined || which === 'litmus') await (await import('./bench/litmus.mjs')).run();
if (which === 'metamorphic') await (await import('./bench/metamorphic.mjs')).run();
if (which === 'house') (await import('./bench/house.mjs')).run(args);
if (which === 'view') await (await import('./bench/view.mjs')).run(args);
if (which === 'parse') await (await import('./bench/parse.mjs')).run(args);
