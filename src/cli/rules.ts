import { explainFinding, explainRule, readThread, review, rules, rulesJson, rulesText, safe } from '../index.ts';
import { grammar } from './grammar.ts';
import { openInputs } from './input.ts';
import { tools } from './tools.ts';

type Out = (text: string) => void;

/** `fencepost rules [--json]` */
export function rulesCommand(args: string[], out: Out): number {
  out(args.includes('--json') ? `${JSON.stringify(rulesJson(rules))}\n` : rulesText(rules));
  return 0;
}

/** `fencepost explain RULE` and `fencepost explain FINGERPRINT INPUT...` */
export async function explainCommand(args: string[], out: Out, err: Out): Promise<number> {
  const [what, ...inputs] = args;
  const rule = rules.find(r => r.id === what);
  if (rule) {
    out(explainRule(rule));
    return 0;
  }
  if (what !== undefined && /^[0-9a-f]{4,16}$/.test(what) && inputs.length > 0) return explainFingerprint(what, inputs, out, err);
  err(
    what === undefined
      ? 'fencepost explain: name a rule (`fencepost rules` lists them), or a fingerprint and an INPUT\n'
      : `fencepost explain: no rule is called ${safe(what)}; \`fencepost rules\` lists them\n`,
  );
  return 2;
}

/** How a finding of the inputs came about; the fingerprint may be cut short. */
async function explainFingerprint(fingerprint: string, files: string[], out: Out, err: Out): Promise<number> {
  let status = 2;
  for (const source of await openInputs(files)) {
    if ('error' in source) {
      err(`fencepost: ${safe(source.error)}\n`);
      continue;
    }
    const thread = await readThread(source.input, source.open(), tools);
    for (const { findings, resolved, held } of review(thread, { grammar: await grammar(true) }).reviews) {
      for (const finding of [...findings, ...resolved]) {
        if (!finding.fingerprint.startsWith(fingerprint)) continue;
        out(explainFinding(finding, null));
        status = 0;
      }
      for (const { finding, reason, detail } of held) {
        if (!finding.fingerprint.startsWith(fingerprint)) continue;
        out(explainFinding(finding, { reason, detail }));
        status = 0;
      }
    }
  }
  if (status !== 0) err(`fencepost explain: no finding of these inputs has the fingerprint ${fingerprint}\n`);
  return status;
}
