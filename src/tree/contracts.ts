/** The contracts of a linked tree as lines of a table, and a table of them for reading. */
import type { Act, Contract, Contracts } from '../model/contract.ts';
import type { Fact } from '../model/fact.ts';
import type { Links } from './links.ts';
import { contractOfRow, rowText } from './rowtext.ts';
import { contractOf, DOES_NOTHING, summariesOf } from './summaries.ts';
import type { Summary } from './summary.ts';
import type { Table } from './table.ts';

/** What the table is called in its head. */
export const CONTRACTS = 'contracts';

/** Folders whose parts have functions that are only theirs. */
const IN_PARTS = /^(?:drivers|sound|arch|crypto|fs\/\w+|net\/\w+)\//;

/** Every name that files can call from outside, in the order of UTF-16 units, with what it does. */
export function contractsOf(links: Links, statics: ReadonlySet<string>, fact: (api: string) => Fact | undefined): Contract[] {
  const { named } = summariesOf(links, fact);
  const found: Contract[] = [];
  for (const [name, numbers] of links.names) {
    const said = fact(name);
    if (said && !said.part) continue;
    const bodies = numbers.flatMap(i => links.definitions[i] ?? []);
    // Where another file has a function of that name for itself, only what the kernel offers to all can be meant.
    const isOffered = bodies.some(b => b.of.kind === 'exported' || /^(?:include|arch\/\w+\/include)\//.test(b.path));
    if (statics.has(name) && !isOffered) continue;
    const summary = named(name, '');
    if (summary.unread) continue;
    // Of what a driver has for itself a row that leaves all open would say nothing.
    const isPrivate = !isOffered && bodies.every(b => IN_PARTS.test(b.path));
    if (isPrivate && !summary.complete && !summary.acts.some(a => a.when.on !== 'some')) continue;
    const signatures = bodies.map(b => ({ result: b.of.result, parameters: b.of.parameters }));
    const [first] = signatures;
    if (!first) continue;
    const same = signatures.every(s => s.result === first.result && s.parameters.join() === first.parameters.join());
    const widest = signatures.reduce(
      (a, b) => (b.parameters.filter(p => p !== '').length > a.parameters.filter(p => p !== '').length ? b : a),
      first,
    );
    const told = isPrivate ? { ...summary, acts: summary.acts.filter(isTelling) } : summary;
    found.push(contractOf(name, told, same ? first : agreeing(widest, signatures)));
  }
  for (const [name, of] of links.aliases) {
    if (links.names.has(name) || fact(name)) continue;
    const summary = named(name, '');
    const [only] = links.names.get(of) ?? [];
    const body = only === undefined ? undefined : links.definitions[only]?.of;
    if (summary.unread || (!body && !fact(of))) continue;
    found.push(contractOf(name, summary, { result: body?.result ?? '', parameters: body?.parameters ?? [] }));
  }
  for (const [name, signature] of links.signatures)
    if (signature.result !== '' || signature.parameters.some(p => p !== '')) found.push({ ...contractOf(name, KNOWN, signature), byFact: true });
  return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** What may happen in a driver's own function is left out where it neither ends, keeps nor locks anything, nor sleeps. */
function isTelling({ does, object, when }: Act): boolean {
  return when.on !== 'some' || does === 'sleep' || does === 'open' || does === 'close' || /^\d+$/.test(object);
}

/** What stands for a body that was not asked. */
const KNOWN: Summary = { ...DOES_NOTHING, complete: false };

/** Types that no other body of the name says otherwise. */
function agreeing(one: Contract['signature'], all: readonly Contract['signature'][]): Contract['signature'] {
  const agreed = (own: string, others: readonly (string | undefined)[]) => (others.every(o => o === undefined || o === '' || o === own) ? own : '');
  return {
    result: agreed(
      one.result,
      all.map(s => s.result),
    ),
    parameters: one.parameters.map((p, i) =>
      agreed(
        p,
        all.map(s => s.parameters[i]),
      ),
    ),
  };
}

export function contractLines(contracts: readonly Contract[]): string[] {
  return contracts.map(rowText);
}

/** Rows that are kept read: more than files of one folder ask for. */
const MOST_KEPT = 4096;

/** The contracts in a table, each read when it is asked for. */
export function contractsIn(table: Table): Contracts {
  const known = new Map<string, Contract | null>();
  const of = (name: string): Contract | undefined => {
    let contract = known.get(name);
    if (contract === undefined) {
      const [line] = table.lines(name);
      contract = line === undefined ? null : contractOfRow(line);
      if (known.size >= MOST_KEPT) known.clear();
      known.set(name, contract);
    }
    return contract ?? undefined;
  };
  return {
    kernel: table.head.kernel,
    of: name => {
      const contract = of(name);
      return contract?.byFact ? undefined : contract;
    },
    signature: name => of(name)?.signature,
  };
}
