import { currentRule, explainFinding, explainRule, jsonText, placeShown, review, rules, rulesJson, rulesText, safe } from '../index.ts';

import { CONFIG_OPTIONS, configured } from './configured.ts';
import { declaredFacts } from './declared.ts';
import { grammar } from './grammar.ts';
import { openInputs } from './input.ts';
import { type Options, readOptions } from './options.ts';
import { readInput } from './read.ts';
import { reasonOf } from './reason.ts';
import { unknownRule } from './rulenames.ts';
import { tables } from './tables.ts';
import { treeOf } from './tree.ts';

type Out = (text: string) => void;

/** `fencepost rules [--json]` */
export function rulesCommand(args: string[], out: Out, err: Out): number {
  const options = readOptions(args, { json: null });
  if (typeof options === 'string') return wrong('rules', options, err);
  const [name] = options.names;
  if (name !== undefined) return wrong('rules', `takes no argument, and ${name} is one; \`fencepost explain RULE\` shows one rule`, err);
  out(options.has('json') ? `${jsonText(rulesJson(rules))}\n` : rulesText(rules));
  return 0;
}

function wrong(command: string, text: string, err: Out): 2 {
  err(`fencepost ${command}: ${safe(text)}\n`);
  return 2;
}

/** `fencepost explain RULE` and `fencepost explain FINGERPRINT INPUT...` */
export async function explainCommand(args: string[], out: Out, err: Out): Promise<number> {
  const options = readOptions(args, { tree: 'the folder of a kernel tree', facts: 'a file of facts', ...CONFIG_OPTIONS });
  if (typeof options === 'string') return wrong('explain', options, err);
  const [what, ...inputs] = options.names;
  if (what === undefined) return wrong('explain', 'name a rule (`fencepost rules` lists them), or a fingerprint and an INPUT', err);
  const rule = rules.find(r => r.id === currentRule(what));
  if (rule && inputs.length > 0) return wrong('explain', `${what} is a rule, and a rule is explained without an INPUT`, err);
  if (rule) {
    out(explainRule(rule));
    return 0;
  }
  if (!/^[0-9a-f]{4,16}$/.test(what)) return wrong('explain', unknownRule(what), err);
  if (inputs.length === 0) return wrong('explain', `${what} is a fingerprint: name the INPUT that it was found in as well`, err);
  return explainFingerprint(what, inputs, options, out, err);
}

/** How a finding of the inputs was decided. The fingerprint may be cut short, as notes show it, while only one finding begins so. */
async function explainFingerprint(fingerprint: string, files: string[], options: Options, out: Out, err: Out): Promise<number> {
  const tree = treeOf(options.value('tree'), err);
  if (tree === undefined) return 2;
  const known = await configured(options, tree, err);
  if (known === null) return 2;
  const { facts } = known;
  // Who asks for a finding wants it explained, also where its rule is off.
  const policy = known.policy && { ...known.policy, off: [] };
  const found = new Map<string, { name: string; text: string }>();
  let failed = false;
  const fail = (line: string) => {
    err(`fencepost: ${safe(line)}\n`);
    failed = true;
  };
  for (const source of await openInputs(files, true)) {
    if ('error' in source) {
      fail(source.error);
      continue;
    }
    try {
      const around = tree ?? source.tree ?? null;
      const declared = around === tree ? facts : await declaredFacts(known.files, around, err);
      if (declared === null) return 2;
      const { thread, unread } = await readInput(source);
      if (unread !== null) {
        fail(unread);
        continue;
      }
      const settings = {
        grammar: await grammar(true),
        tables: tables(err),
        facts: declared,
        holdTrials: true,
        ...(around ? { tree: around } : {}),
        ...(policy ? { policy } : {}),
      };
      const result = review(thread, settings);
      for (const { findings, resolved, held } of result.reviews) {
        const all = [...[...findings, ...resolved].map(finding => ({ finding, held: null })), ...held.map(h => ({ finding: h.finding, held: h }))];
        for (const one of all) {
          if (!one.finding.fingerprint.startsWith(fingerprint)) continue;
          const place = placeShown(one.finding, result, source.shown);
          const name = `${one.finding.rule}, ${place.path}:${place.line}`;
          if (!found.has(one.finding.fingerprint) || one.held === null)
            found.set(one.finding.fingerprint, { name, text: explainFinding(one.finding, one.held, place) });
        }
      }
      for (const line of source.lost) fail(line);
    } catch (error) {
      fail(`${source.input}: ${reasonOf(error)}`);
    }
  }
  const [only] = found.values();
  if (!only) return failed ? 2 : wrong('explain', `no finding of these inputs has the fingerprint ${fingerprint}`, err);
  if (found.size > 1) {
    err(`fencepost explain: ${fingerprint} is ambiguous:\n${[...found].map(([full, { name }]) => `  ${full}  ${safe(name)}\n`).join('')}`);
    return 2;
  }
  out(only.text);
  return failed ? 2 : 0;
}
