import { explainFinding, explainRule, type Finding, readThread, review, rules, rulesJson, rulesText, safe } from '../index.ts';
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

/** How a finding of the inputs was decided. The fingerprint may be cut short, as notes show it, while only one finding begins so. */
async function explainFingerprint(fingerprint: string, files: string[], out: Out, err: Out): Promise<number> {
  const found = new Map<string, { name: string; text: string }>();
  const note = (finding: Finding, held: Parameters<typeof explainFinding>[1]) => {
    if (finding.fingerprint.startsWith(fingerprint))
      found.set(finding.fingerprint, { name: `${finding.rule}, ${finding.path}:${finding.line}`, text: explainFinding(finding, held) });
  };
  for (const source of await openInputs(files)) {
    if ('error' in source) {
      err(`fencepost: ${safe(source.error)}\n`);
      continue;
    }
    const thread = await readThread(source.input, source.open(), tools);
    for (const { findings, resolved, held } of review(thread, { grammar: await grammar(true) }).reviews) {
      for (const { finding, reason, detail } of held) note(finding, { reason, detail });
      for (const finding of [...resolved, ...findings]) note(finding, null);
    }
  }
  const [only] = found.values();
  if (only && found.size === 1) {
    out(only.text);
    return 0;
  }
  err(
    only
      ? `fencepost explain: ${fingerprint} is ambiguous:\n${[...found].map(([full, { name }]) => `  ${full}  ${safe(name)}\n`).join('')}`
      : `fencepost explain: no finding in the input has the fingerprint ${fingerprint}\n`,
  );
  return 2;
}
